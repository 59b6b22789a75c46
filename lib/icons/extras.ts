/** Things worn on the head and the face: glasses, earrings, hats, ornaments. */
import { EYES } from './eyes.ts'
import { INK, type Tone } from './palette.ts'
import { both, circle, circles, curve, fill, outlined, shape, stroke } from './svg.ts'

const [LEFT, RIGHT] = [64 - EYES.x, 64 + EYES.x]

const frames = (lens: (x: number) => string, colour: string, tint: string, opacity: number) =>
  fill(lens(LEFT) + lens(RIGHT), tint, opacity) +
  stroke(`${lens(LEFT)}${lens(RIGHT)}${curve('60,69.4 64,67.6 68,69.4')}`, colour, 2.2) +
  stroke('M35.6 69L32.6 67.4M92.4 69L95.4 67.4', colour, 2.2)

const roundLens = (x: number) => circle(x, EYES.y + 0.6, 12.2)
const squareLens = (x: number) => `M${x - 9} 60.4h18q3 0 3 3v9q0 9-9 9h-6q-9 0-9-9v-9q0-3 3-3Z`

export const glasses = {
  none: (_: Tone) => '',
  round: (_: Tone) => frames(roundLens, INK, '#ffffff', 0.16),
  square: (tone: Tone) => frames(squareLens, tone.line, '#ffffff', 0.16),
  gold: (_: Tone) => frames(roundLens, '#c9962f', '#fff4d0', 0.16),
  sun: (_: Tone) =>
    frames(squareLens, INK, '#3a3040', 0.86) +
    stroke('M42 70L48 64M75 70L81 64', '#ffffff', 2).replace('/>', ' stroke-opacity="0.5"/>'),
}

export const earrings = {
  none: () => '',
  studs: () => both(outlined(circles('96.4,81.4,1.8'), '#f6d873', '#8a6420')),
  hoops: () => both(stroke(circle(97, 86, 4.6), '#8a6420', 3.2) + stroke(circle(97, 86, 4.6), '#f2cf5b', 1.6)),
  drops: () => both(outlined(shape('96.8,80! 99.4,87.6 96.8,91 94.2,87.6'), '#74c9c4', '#23585c')),
}

const beanie = shape('30,47! 31.4,27 46,12 64,8.6 82,12 96.6,27 98,47! 64,42')
const cap = shape('30.6,44! 32,26 46,13 64,10.6 82,13 96,26 97.4,44! 64,37')
const brim = shape('32,41! 48,34.6 64,33 80,34.6 96,41! 104,48! 86,45.4 64,44.4 42,45.4 24,48!')
const beret = shape('34,40! 22,33 24,20 42,10.6 66,7 92,12.6 106,25 104,36! 88,37 64,34 46,36')
const bow =
  shape('64,22! 54,13 45,12 43,21 46,30 55,30!') + shape('64,22! 74,13 83,12 85,21 82,30 73,30!') + circles('64,22,5')
const petals = circles('88.4,32,5 95,36.6,5 92.6,44.2,5 84.4,44.2,5 82,36.6,5')

/** What is on the hair; each is drawn last. */
export const tops = {
  none: (_: Tone) => '',
  beanie: (tone: Tone) =>
    outlined(circles('64,7.6,7'), tone.light, tone.line) +
    outlined(beanie, tone.base, tone.line) +
    outlined(
      shape('28.6,41.6! 44,36.6 64,35 84,36.6 99.4,41.6! 100.4,51.6! 84,47 64,45.6 44,47 27.6,51.6!'),
      tone.light,
      tone.line,
    ) +
    stroke(
      curve('46,41.6 45.4,46') +
        curve('58,39.6 57.8,44') +
        curve('70,39.6 70.2,44') +
        curve('82,41.6 82.6,46') +
        curve('35,44 34,48') +
        curve('93,44 94,48'),
      tone.shade,
      1.6,
    ) +
    stroke(curve('41,28 46,20 54,15.4'), tone.light, 2.8),
  cap: (tone: Tone) =>
    outlined(cap, tone.base, tone.line) +
    stroke(curve('64,11 64.6,22 64,33'), tone.shade, 1.6) +
    fill(circles('64,10.4,2.6'), tone.line) +
    outlined(brim, tone.shade, tone.line) +
    stroke(curve('42,27 47,20.6 54,17'), tone.light, 2.8),
  beret: (tone: Tone) =>
    outlined('M63 9L66 2.6', tone.base, tone.line) +
    outlined(beret, tone.base, tone.line) +
    stroke(curve('33,24 42,17 54,13.4'), tone.light, 2.8) +
    stroke(curve('84,32.6 94,30 101,27.6'), tone.shade, 2),
  band: (tone: Tone) =>
    outlined(
      shape(
        '31.6,42! 34.6,31.6 46,22.6 64,19.6 82,22.6 93.4,31.6 96.4,42! 94.6,48! 88,38.4 79,31.6 64,28.4 49,31.6 40,38.4 33.4,48!',
      ),
      tone.base,
      tone.line,
    ) + stroke(curve('44,30 53,25.6 60,24.2'), tone.light, 2),
  bow: (tone: Tone) =>
    outlined(bow, tone.base, tone.line) +
    stroke(curve('50,17.6 56,20.6') + curve('78,17.6 72,20.6'), tone.shade, 1.6) +
    stroke(circle(64, 22, 5), tone.line, 1.4),
  flower: (tone: Tone) =>
    outlined(petals, tone.light, tone.line) + outlined(circles('88.4,39,3.4'), '#f6cf5a', '#8a6420'),
  clips: (_: Tone) =>
    stroke('M82 37L91.6 45M79.4 41.6L88 49', '#8a6420', 4.4) + stroke('M82 37L91.6 45M79.4 41.6L88 49', '#f6d873', 2.2),
  phones: (tone: Tone) =>
    stroke(curve('30,62 30.6,36 46,16 64,12 82,16 97.4,36 98,62'), tone.line, 6.4) +
    stroke(curve('30,62 30.6,36 46,16 64,12 82,16 97.4,36 98,62'), tone.light, 3) +
    both(
      outlined(shape('94,57 100,56 105,62 105.4,76 101,83 94.6,82 92.6,70'), tone.base, tone.line) +
        stroke(curve('100,62 101.6,69 100.4,76'), tone.light, 2.2),
    ),
  ears: (tone: Tone) =>
    both(
      outlined(shape('75,19! 84,9 95,3! 98.6,16 96,31!'), tone.base, tone.line) +
        fill(shape('82.4,18.6! 87,12.6 92.4,9.4! 94,17 92.4,25!'), '#f4a9ad'),
    ),
  crown: (_: Tone) =>
    outlined(shape('42,28! 38,8! 51,17! 64,3! 77,17! 90,8! 86,28! 64,24.6'), '#f6cf5a', '#8a6420') +
    outlined(circles('64,17,2.6 50,20.6,1.8 78,20.6,1.8'), '#e8615f', '#8a2f35'),
}

export type TopStyle = keyof typeof tops
