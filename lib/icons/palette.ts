/** The colours: families picked by hand, so that any skin, hair, cloth and background go together. */

/** A colour with its shadow, its light, and the line drawn around it. */
export type Tone = { base: string; shade: string; light: string; line: string }

const tone = (base: string, shade: string, light: string, line: string): Tone => ({ base, shade, light, line })

export type Skin = Tone & { blush: string; lip: string }

const skin = (base: string, shade: string, light: string, line: string, blush: string, lip: string): Skin => ({
  ...tone(base, shade, light, line),
  blush,
  lip,
})

/** From the lightest to the darkest. */
export const skins: readonly Skin[] = [
  skin('#ffe9db', '#f7cfbd', '#fff5ee', '#a8655c', '#f7a49c', '#d4736f'),
  skin('#fddcc4', '#f2bc9f', '#ffebdc', '#9c5a4b', '#f2958a', '#cb6a63'),
  skin('#f7cba6', '#e8a97f', '#ffdfc2', '#8d4f3c', '#e98573', '#bb5a50'),
  skin('#e8b184', '#d18f63', '#f4c9a1', '#7a422f', '#da7159', '#a54c42'),
  skin('#cf9063', '#b57246', '#dfa87e', '#653522', '#c15f45', '#91403a'),
  skin('#ad7049', '#915634', '#c08760', '#502a1d', '#a84c38', '#7c332f'),
  skin('#8a553a', '#6f4029', '#a06b4d', '#3f2019', '#94402f', '#642826'),
  skin('#6b4030', '#543024', '#825442', '#2f1816', '#823a30', '#4c1e20'),
]

/** Colours hair grows in. */
export const naturalHair = {
  black: tone('#3b3548', '#2b2637', '#625a78', '#1d1925'),
  espresso: tone('#553c38', '#402b2a', '#7d5b51', '#291a1b'),
  chestnut: tone('#85533c', '#683d2d', '#b07755', '#41241d'),
  auburn: tone('#a9513a', '#873b2d', '#d17d5c', '#511f1a'),
  ginger: tone('#e08845', '#c26a32', '#f6b071', '#7a3a1c'),
  honey: tone('#e9b95f', '#cf9a45', '#f8da92', '#835a26'),
  platinum: tone('#f5e3b8', '#e0c691', '#fff5da', '#957646'),
  ash: tone('#a18b7c', '#84705f', '#c2b0a1', '#4c3f37'),
  silver: tone('#cfd2dd', '#adb1c2', '#eceef4', '#626779'),
} as const satisfies Record<string, Tone>

/** Colours hair is given. */
export const dyedHair = {
  rose: tone('#f19ab0', '#dc7893', '#fcc4d0', '#863950'),
  lilac: tone('#b59fe0', '#967fc8', '#d5c7f2', '#52407f'),
  teal: tone('#4fa9a6', '#3a8a8b', '#86cfc8', '#1d4c53'),
  sky: tone('#79b8e8', '#5b98d0', '#aed8f6', '#2e5481'),
  mint: tone('#98d6b6', '#74ba98', '#c4ecd6', '#366b54'),
  wine: tone('#93374f', '#74283f', '#bd6175', '#431424'),
  navy: tone('#40528a', '#303e6d', '#6a7fb6', '#1b2342'),
  coral: tone('#f58d73', '#dc6f58', '#fdb9a2', '#873a30'),
} as const satisfies Record<string, Tone>

export const cloths = {
  navy: tone('#415081', '#333f69', '#6172a6', '#1f2644'),
  brick: tone('#d0634a', '#b04c38', '#e68d75', '#662419'),
  mustard: tone('#eab54a', '#d0973a', '#f6d282', '#7c5519'),
  cream: tone('#fbf3e4', '#e6d7c0', '#ffffff', '#8b7762'),
  teal: tone('#46918f', '#357477', '#74b8b2', '#1a4247'),
  forest: tone('#5f8f68', '#4a7355', '#8ab48f', '#24412f'),
  plum: tone('#8a5286', '#6d3f6c', '#b07cab', '#3c203d'),
  rose: tone('#ec93a2', '#d37487', '#f8bac3', '#853a4c'),
  sky: tone('#86b9e2', '#689cc9', '#b3d6f1', '#33597f'),
  charcoal: tone('#55515f', '#413e4b', '#7a7586', '#24222b'),
  lilac: tone('#bda9e0', '#9f8aca', '#dacdf0', '#564682'),
  white: tone('#ffffff', '#e3e3ea', '#ffffff', '#7d7f8f'),
} as const satisfies Record<string, Tone>

export const backgrounds = {
  peach: '#fbd3b4',
  blush: '#f9d0d3',
  butter: '#fbe6a6',
  mint: '#c4e6d2',
  aqua: '#b5e0e0',
  sky: '#bcdcf5',
  iris: '#cdcdf5',
  lilac: '#e0cbee',
  sage: '#cfdcb4',
  sand: '#eedcc4',
  coral: '#f7b09d',
  lagoon: '#8fcbc7',
  denim: '#9bb6dd',
  sun: '#f6cd70',
} as const

/** Iris: its colour, its shaded upper part, its lit lower part. */
export const irises: readonly { base: string; dark: string; light: string }[] = [
  { base: '#7a4a35', dark: '#47261f', light: '#b97b51' },
  { base: '#5a3a36', dark: '#331d20', light: '#946354' },
  { base: '#a86f35', dark: '#643a1f', light: '#e3ae5d' },
  { base: '#4f8f5f', dark: '#27513d', light: '#93cb86' },
  { base: '#4583c4', dark: '#234a83', light: '#8cc4f0' },
  { base: '#3f9a9c', dark: '#1e565f', light: '#86d6cb' },
  { base: '#7e63b8', dark: '#44337a', light: '#bba1e8' },
  { base: '#7d8797', dark: '#454d5c', light: '#b7c1cc' },
  { base: '#c2566f', dark: '#75293f', light: '#f0939f' },
]

/** Lashes, pupils and closed eyes. */
export const INK = '#35252f'
export const EYE_WHITE = '#fffaf5'
export const MOUTH_INSIDE = '#8c3644'
export const TONGUE = '#ee8a8d'

const channels = (colour: string) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))

/** How far apart two colours look, about 0 to 765: a weighted distance in sRGB that follows the eye better than a plain one. */
export function difference(a: string, b: string): number {
  const [[ar, ag, ab], [br, bg, bb]] = [channels(a), channels(b)] as [number[], number[]] as [
    [number, number, number],
    [number, number, number],
  ]
  const red = (ar + br) / 2
  const [dr, dg, db] = [ar - br, ag - bg, ab - bb]
  return Math.sqrt((2 + red / 256) * dr * dr + 4 * dg * dg + (2 + (255 - red) / 256) * db * db)
}
