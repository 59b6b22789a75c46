/** Head, ears and neck, and what lies on the skin: blush, freckles, nose, beard. */
import type { Skin, Tone } from './palette.ts'
import { both, circles, curve, fill, outlined, shape, stroke, symmetric } from './svg.ts'

/** Outlines of the face, the same size for all; cheeks and chin differ. */
export const faces = {
  round: symmetric('64,25 84,32 93.5,51 92.8,71 83.5,88.5 64,96.5'),
  oval: symmetric('64,25 83.5,32 93,51 91.5,71 80.5,90 64,98'),
  heart: symmetric('64,25 84,32 94,51 91.5,70 80,87 69,96.5 64,98'),
  square: symmetric('64,25 84,32 93.3,51 92.5,72 86,87 74,95.8 64,97'),
}

export const neck = (skin: Skin) =>
  outlined(shape('54.5,84! 54.5,99 50,106 42,110! 64,128! 86,110! 78,106 73.5,99 73.5,84!'), skin.base, skin.line) +
  fill(shape('54.5,84! 54.5,97 58,102.5 66,104.5 72,101 73.5,96 73.5,84!'), skin.shade)

export const ears = (skin: Skin) =>
  both(
    outlined(shape('90,67! 94.5,62.5 98.6,65 98,73 94,80 89,79!'), skin.base, skin.line) +
      stroke(curve('93,68.5 95.6,67.6 95.4,71.5 93.2,75'), skin.shade, 1.9),
  )

export const head = (face: string, skin: Skin) => outlined(face, skin.base, skin.line)

/** Shade along the right cheek and under the fringe: the light comes from the upper left. */
export const cheekShade = (face: string, skin: Skin) =>
  `<path d="${face}M64 0H128V128H0V0Z" transform="translate(-3.2 -1.6)" fill="${skin.shade}" fill-rule="evenodd"/>`

const blushOval = '<ellipse cx="85" cy="81" rx="5.6" ry="3.6"'

export const blushes = {
  soft: (skin: Skin) => both(`${blushOval} fill="${skin.blush}" fill-opacity="0.55"/>`),
  rosy: (skin: Skin) =>
    both(`${blushOval} fill="${skin.blush}" fill-opacity="0.85"/>`) +
    both(stroke('M83 82.4L84.6 79.6M86 82.4L87.6 79.6', skin.line, 0.9)),
  faint: (skin: Skin) => both(`${blushOval} fill="${skin.blush}" fill-opacity="0.3"/>`),
}

export const marks = {
  none: () => '',
  freckles: (skin: Skin) =>
    fill(both2('80,78.4,0.8 83.6,80,0.8 87,78.2,0.8 81.8,82,0.7 85.6,82.4,0.7'), skin.line, 0.6),
  mole: (skin: Skin) => fill(circles('77.5,88.5,1.1'), skin.line),
  plaster: (skin: Skin) =>
    `<g transform="rotate(-14 42 82)"><rect x="36.5" y="79.6" width="11" height="5" rx="2.5" fill="#f6e3c5" stroke="${skin.line}" stroke-width="1"/><path d="M40.2 79.6v5M43.8 79.6v5" stroke="${skin.line}" stroke-width="0.8"/></g>`,
}

/** Circles and their mirror images, as one path. */
function both2(list: string): string {
  const mirror = list.replace(/(\S+?),(\S+?),(\S+)/g, (_, x, y, r) => `${(1280 - Number(x) * 10) / 10},${y},${r}`)
  return circles(list) + circles(mirror)
}

export const noses = {
  dot: (skin: Skin) => fill(circles('64,78.6,1.2'), skin.line, 0.85),
  hook: (skin: Skin) => stroke(curve('65.4,75 66.6,78.6 63.6,79.8'), skin.line, 1.6),
  shadow: (skin: Skin) => fill(shape('63.2,79.8! 65.2,75.4! 67,79.6 65.4,80.6'), skin.shade),
  round: (skin: Skin) => stroke(curve('61.4,78.2 62.4,80 65.6,80 66.6,78.2'), skin.line, 1.6),
}

export const beards = {
  none: () => '',
  full: (hair: Tone) => fill('M31 66C34 80 40 84 48 84.5C56 80 72 80 80 84.5C88 84 94 80 97 66V110H31Z', hair.base),
  moustache: (hair: Tone) =>
    fill(
      shape('64,82.4! 69,80.6 75,83.6 79,83.2! 75.6,87.6 69,87.2 64,84.6! 59,87.2 52.4,87.6 49,83.2! 53,83.6 59,80.6'),
      hair.base,
    ),
  goatee: (hair: Tone) => fill(shape('57,91.2! 64,90.2 71,91.2! 71.6,96 69,101 64,102.6 59,101 56.4,96'), hair.base),
  stubble: (hair: Tone) =>
    fill('M31 70C36 84 44 85 50 83.5C58 80 70 80 78 83.5C84 85 92 84 97 70V110H31Z', hair.base, 0.28),
}
