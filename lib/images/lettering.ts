/** Capitals, digits and signs as strokes: a sheet's words look the same on a machine without any font. */

/** Each stroke is a row of points: two digits, x from 0 to 4 and y from 0 (top) to 6. */
const glyphs: Readonly<Record<string, string>> = {
  A: '06 20 46|14 34',
  B: '06 00 30 41 42 33 03|33 44 45 36 06',
  C: '41 30 10 01 05 16 36 45',
  D: '06 00 30 41 45 36 06',
  E: '40 00 06 46|03 33',
  F: '40 00 06|03 33',
  G: '41 30 10 01 05 16 36 45 43 23',
  H: '00 06|40 46|03 43',
  I: '10 30|20 26|16 36',
  J: '40 45 36 16 05',
  K: '00 06|40 03 46',
  L: '00 06 46',
  M: '06 00 23 40 46',
  N: '06 00 46 40',
  O: '10 30 41 45 36 16 05 01 10',
  P: '06 00 30 41 42 33 03',
  Q: '10 30 41 45 36 16 05 01 10|24 46',
  R: '06 00 30 41 42 33 03|23 46',
  S: '41 30 10 01 02 13 33 44 45 36 16 05',
  T: '00 40|20 26',
  U: '00 05 16 36 45 40',
  V: '00 26 40',
  W: '00 16 22 36 40',
  X: '00 46|40 06',
  Y: '00 23 40|23 26',
  Z: '00 40 06 46',
  '0': '10 30 41 45 36 16 05 01 10|14 32',
  '1': '11 20 26|16 36',
  '2': '01 10 30 41 42 06 46',
  '3': '01 10 30 41 42 33 13|33 44 45 36 16 05',
  '4': '36 30 04 44',
  '5': '40 00 03 33 44 45 36 06',
  '6': '40 20 02 05 16 36 45 44 33 03',
  '7': '00 40 16',
  '8': '13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33',
  '9': '06 26 44 41 30 10 01 02 13 43',
  '-': '03 43',
  '.': '26 26',
  ',': '25 17',
  ':': '22 22|25 25',
  '/': '06 40',
  _: '06 46',
  '(': '30 12 14 36',
  ')': '10 32 34 16',
  '#': '10 16|30 36|02 42|04 44',
  '+': '21 25|03 43',
}

/** Stands for every other character. */
const OTHER = '23 23'

/** From one character to the next, in units of the grid. */
const ADVANCE = 6
const HEIGHT = 6

/** How many characters fit into `width` at this height; all in pixels. */
export const fitting = (width: number, height: number): number => Math.floor(width / ((ADVANCE * height) / HEIGHT))

/** SVG of a line of text, its top left corner at x, y; all in pixels. */
export function lettering(text: string, x: number, y: number, height: number, colour: string, weight = 0.16): string {
  const scale = height / HEIGHT
  const place = (point: string, index: number) =>
    `${(x + (index * ADVANCE + Number(point[0])) * scale).toFixed(2)} ${(y + Number(point[1]) * scale).toFixed(2)}`
  const strokes = [...text.toUpperCase()].flatMap((character, index) => {
    if (character === ' ') return []
    return (glyphs[character] ?? OTHER).split('|').map(
      (stroke) =>
        `M${stroke
          .split(' ')
          .map((point) => place(point, index))
          .join('L')}`,
    )
  })
  return `<path d="${strokes.join('')}" fill="none" stroke="${colour}" stroke-width="${(weight * height).toFixed(2)}" stroke-linecap="round" stroke-linejoin="round"/>`
}
