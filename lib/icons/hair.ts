/** Hair: what hangs behind the head, and what lies on it. */
import type { Tone } from './palette.ts'
import { both, circles, curve, fill, outlined, shape, stroke, symmetric } from './svg.ts'

/** From the left temple over the top of the head to the right temple; a fringe closes it. */
const CROWN = '33,68! 29.6,50 33,31 45,18 64,13.5 83,18 95,31 98.4,50 95,68!'

/** Where the hair ends on the forehead, from the right temple to the left one. */
const fringes = {
  straight:
    '91.6,58 90.6,49! 86.4,58 81,50! 75.4,58.6 69.6,50.4! 63.6,59 58,50.4! 52,58.6 46.8,50! 41.4,58 37.4,49! 36.4,58',
  middle: '92.4,60 89,49 79,40 65,31.6! 63,31.6! 49,40 39,49 35.6,60',
  side: '92.6,60 90,47 81.6,35.4! 75,45 60,52.6 46,54 39.6,50.4! 36.4,60',
  swept: '92.6,60 91,50 87.6,42! 79,50.4 66,55.6 54,56.4! 57,52! 48,55.4 42.4,54.6! 43.4,51! 39,54 36.4,60',
  high: '92.4,58 91,46 83,37.4 64,34.4 45,37.4 37,46 35.6,58',
  short: '92.4,60 90.4,51 86,45.6! 82,49.6 76.6,43.4! 70.6,48 65,42! 58,47.4 53.4,43! 46.6,49.4 42,46! 37.6,52 35.6,60',
  peak: '92.4,58 90,47 80,38 70,38.6 64,43! 58,38.6 48,38 38,47 35.6,58',
} as const

export type Fringe = keyof typeof fringes

/** Locks that part the fringe, and the light on the crown. */
const strands: Record<Fringe, string> = {
  straight: curve('69.4,49 68.4,40 66,33') + curve('58.2,49 58.6,41') + curve('81,48.6 79,40 75,33'),
  middle: curve('64,31 64.4,24 63.6,16') + curve('84,43 77,33 69,27') + curve('44,43 51,33 59,27'),
  side: curve('81,35 77,26 68,17') + curve('73,43 76,39 78.6,35') + curve('52,50 62,45 70,38'),
  swept: curve('87,41 83,31 75,22') + curve('70,51 77,46 81,40') + curve('55,52 66,46'),
  high: curve('52,32 55,27') + curve('64,30 64,25') + curve('76,32 73,27'),
  short: curve('76,42 74,36 70,31') + curve('65,40 63,34') + curve('53,41 54,35'),
  peak: curve('64,41 64,30') + curve('73,35 71,26') + curve('55,35 57,26'),
}

const shine = curve('41,36 46.4,28 55,23.4') + curve('59.4,21.8 62,21.4')

/** A front of hair: its outline, for its shadow on the forehead, and its drawing. */
export type Front = { outline: string; draw: (tone: Tone) => string }

function fringed(fringe: Fringe): Front {
  const outline = shape(`${CROWN} ${fringes[fringe]}`)
  const draw = (tone: Tone) =>
    outlined(outline, tone.base, tone.line) + stroke(strands[fringe], tone.shade, 1.5) + stroke(shine, tone.light, 2.8)
  return { outline, draw }
}

/** A front whose outline is drawn as it is. */
const plain = (outline: string, light: string, dark = ''): Front => ({
  outline,
  draw: (tone) =>
    outlined(outline, tone.base, tone.line) + stroke(dark, tone.shade, 1.6) + stroke(light, tone.light, 2.6),
})

const curls = circles(
  '36,56,6.5 35,45,8.5 39,34,9.5 47.5,25.5,10 58,21,10.5 70,21,10.5 80.5,25.5,10 89,34,9.5 93,45,8.5 92,56,6.5 45,41,7 55,36.5,8.5 66,35.5,8.5 76.5,37.5,8 85,42.5,6.5 64,28,12',
)
const spikes = shape(
  '33,66! 29,52 23.4,45! 30.4,42 25,30! 35,31 33.4,18! 44.6,23.4 47.4,9.6! 57,19 65.4,5.6! 71.6,18.4 84,10! 84.4,22.6 97,20.4! 93.6,32.6 103,34! 97,43.6 103,50! 98.4,54 95,66! ' +
    fringes.short,
)
const mohawk = shape(
  '54,38! 51,26 53,12 57,8! 59.4,12! 63,3! 67,11.4! 73,6.6! 76,16 76,28 73.6,40! 68.6,34! 64,41! 59.6,34!',
)
const buzz = shape(`32.6,62! 31.4,48 35.4,33 47,23.4 64,20.6 81,23.4 92.6,33 96.6,48 95.4,62! ${fringes.high}`)

export const fronts = {
  ...(Object.fromEntries(Object.keys(fringes).map((name) => [name, fringed(name as Fringe)])) as Record<Fringe, Front>),
  curly: plain(
    curls,
    curve('40,33 44,29') + curve('52,22 57,19'),
    curve('50,43 55,42 57,38') + curve('71,42 75,41 77,37') + curve('62,32 66,31'),
  ),
  spiky: plain(
    spikes,
    curve('41,36 45,29 50,25'),
    curve('72,40 70,30 65,22') + curve('56,40 54,31') + curve('86,42 86,34'),
  ),
  mohawk: plain(mohawk, curve('58,24 59,17'), curve('66,32 67,20') + curve('61,33 60,27')),
  buzz: plain(buzz, curve('44,32 50,28')),
  bald: {
    outline: '',
    draw: (_: Tone) => stroke(curve('44,36 49,31.4 55,29.4'), '#ffffff', 3).replace('/>', ' stroke-opacity="0.45"/>'),
  },
}

export type FrontStyle = keyof typeof fronts

const long = symmetric('64,12 86,17 99.6,34 101.6,56 103,82 108,104 109,131! 64,131!')
const wavy = symmetric('64,12 86,17 100,34 102,52 107,64 103.6,76 110,88 106,101 113,114 111,131! 64,131!')
const bob = symmetric('64,12 86,17 100,34 102.6,56 104.4,78 101.4,96! 92,101.4 80,98! 64,92')
const shaggy = symmetric('64,12 86,17 100,34 102,58 108,74! 102.6,74.6! 106.4,90! 99,88! 99.4,101! 89,94 64,90')
const afro = symmetric('64,4 84,7 101,17 112.6,35 115,57 109,78 97,90 80,94 64,94')
const bun = circles('64,11.5,12')
const buns = circles('34,19.5,11.5') + circles('94,19.5,11.5')
const twin = shape('95,40! 104,31 114,37 118.6,55 117,76 113,92! 109.4,86! 104.6,94! 102,78 101,60 96,52!')
const pony = shape('82,28! 94,14 110,19 117,38 115,60 109.6,80! 106.4,72! 101,80 99,60 98,44 92,38!')
const braid = [
  shape('93,72 102,70 106,78 100,85 92.6,82'),
  shape('95,82 103.6,80 107,88 101,95 94.6,92'),
  shape('96.6,92 105,90 107.6,98 102,105 96,102'),
  shape('98,102 105.4,100.6 107,107 104,112 98.6,110'),
  shape('99.6,110! 105,110! 106.4,121 102,118.6! 98.6,121.6'),
].join('')

/** What hangs behind the head; each is drawn before it. */
export const backs = {
  none: (_: Tone) => '',
  nape: (tone: Tone) => outlined(symmetric('64,14 88,20 98,40 98,70 91,90 64,92'), tone.shade, tone.line),
  bob: (tone: Tone) => outlined(bob, tone.shade, tone.line),
  long: (tone: Tone) =>
    outlined(long, tone.shade, tone.line) + both(stroke(curve('97,84 100,104 99,126'), tone.line, 1.2)),
  wavy: (tone: Tone) =>
    outlined(wavy, tone.shade, tone.line) + both(stroke(curve('98,80 101,96 98,112 101,126'), tone.line, 1.2)),
  shaggy: (tone: Tone) => outlined(shaggy, tone.shade, tone.line),
  afro: (tone: Tone) => outlined(afro, tone.base, tone.line) + stroke(curve('24,42 29,28 40,19'), tone.light, 3),
  bun: (tone: Tone) =>
    backs.nape(tone) +
    outlined(bun, tone.base, tone.line) +
    stroke(curve('57,10 61,4.6 66,4'), tone.light, 2.2) +
    stroke(curve('58,18 66,16 71,10'), tone.shade, 1.6),
  buns: (tone: Tone) =>
    backs.nape(tone) +
    outlined(buns, tone.base, tone.line) +
    stroke(curve('27,18 30,13.4 34,12.4') + curve('87,18 90,13.4 94,12.4'), tone.light, 2.2),
  twin: (tone: Tone) =>
    backs.nape(tone) +
    both(outlined(twin, tone.base, tone.line) + stroke(curve('108,46 111,62 109.6,78'), tone.shade, 1.6)),
  pony: (tone: Tone) =>
    backs.nape(tone) +
    outlined(pony, tone.base, tone.line) +
    stroke(curve('102,28 108,42 106.6,60'), tone.shade, 1.6) +
    stroke(curve('96,24 101,22.6'), tone.light, 2.4),
  braids: (tone: Tone) => backs.nape(tone) + both(outlined(braid, tone.base, tone.line)),
}

export type BackStyle = keyof typeof backs

/** Locks that fall before the ears. */
export const locks = {
  none: (_: Tone) => '',
  thin: (tone: Tone) => both(outlined(shape('91.6,50! 97.6,50! 98.6,66 96.6,84! 92.6,70'), tone.base, tone.line)),
  broad: (tone: Tone) =>
    both(
      outlined(shape('90.6,48! 98.4,48! 101.6,66 101,88 97.6,104! 94.6,92 94.6,74 91.4,62'), tone.base, tone.line) +
        fill(shape('95,70! 97,78 97,90! 96,80'), tone.shade),
    ),
}
