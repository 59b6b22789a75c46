/** The built-in training pictures: face icons in one hand, drawn from a seed as SVG. */
import { throwIfAny } from '../errors.ts'
import { type ClothStyle, clothes } from './clothes.ts'
import { earrings, glasses, type TopStyle, tops } from './extras.ts'
import { brows, EYES, type EyeStyle, eyes } from './eyes.ts'
import { beards, blushes, cheekShade, ears, faces, head, marks, neck, noses } from './face.ts'
import { type BackStyle, backs, type FrontStyle, fronts, locks } from './hair.ts'
import { mouths } from './mouths.ts'
import {
  backgrounds,
  cloths,
  difference,
  dyedHair,
  irises,
  naturalHair,
  type Skin,
  skins,
  type Tone,
} from './palette.ts'
import { type Random, randomOf } from './random.ts'
import { moved, stroke } from './svg.ts'

/** How hair is cut: what hangs behind, and the fronts and locks that go with it. */
type Cut = { back: BackStyle; fronts: readonly FrontStyle[]; locks: readonly (keyof typeof locks)[]; weight: number }

const soft = ['straight', 'middle', 'side', 'swept'] as const
const cuts: Record<string, Cut> = {
  short: { back: 'nape', fronts: ['short', 'side', 'swept', 'peak', 'high'], locks: ['none'], weight: 18 },
  spiky: { back: 'nape', fronts: ['spiky'], locks: ['none'], weight: 8 },
  curly: { back: 'nape', fronts: ['curly'], locks: ['none'], weight: 9 },
  afro: { back: 'afro', fronts: ['curly'], locks: ['none'], weight: 5 },
  shaved: { back: 'none', fronts: ['buzz', 'mohawk', 'bald'], locks: ['none'], weight: 7 },
  bob: { back: 'bob', fronts: soft, locks: ['none', 'thin', 'broad'], weight: 14 },
  long: { back: 'long', fronts: soft, locks: ['none', 'broad'], weight: 12 },
  wavy: { back: 'wavy', fronts: ['middle', 'side', 'swept'], locks: ['none', 'broad'], weight: 8 },
  shaggy: { back: 'shaggy', fronts: ['short', 'swept', 'straight'], locks: ['none', 'thin'], weight: 7 },
  bun: { back: 'bun', fronts: ['peak', 'high', 'middle'], locks: ['none', 'thin'], weight: 6 },
  buns: { back: 'buns', fronts: ['straight', 'middle', 'curly'], locks: ['none', 'thin'], weight: 5 },
  twin: { back: 'twin', fronts: ['straight', 'middle', 'swept'], locks: ['none', 'thin'], weight: 6 },
  pony: { back: 'pony', fronts: ['side', 'swept', 'high'], locks: ['none', 'thin'], weight: 6 },
  braids: { back: 'braids', fronts: ['middle', 'straight', 'side'], locks: ['none'], weight: 5 },
}

const weightsOf = (entries: Record<string, { weight: number }>) =>
  Object.fromEntries(Object.entries(entries).map(([name, { weight }]) => [name, weight]))

const eyeStyles: Record<EyeStyle, number> = {
  round: 26,
  almond: 20,
  droopy: 14,
  sharp: 12,
  sleepy: 6,
  dot: 9,
  happy: 8,
  resting: 5,
}
const gazes = [
  [0, 0],
  [0, 0],
  [0, 0],
  [1.2, 0],
  [-1.2, 0],
  [0, -0.8],
] as const

const topStyles: Record<TopStyle, number> = {
  none: 58,
  beanie: 6,
  cap: 5,
  beret: 4,
  band: 6,
  bow: 5,
  flower: 6,
  clips: 5,
  phones: 5,
  ears: 4,
  crown: 2,
}
/** Hats leave no room for what stands on the head. */
const hats: readonly TopStyle[] = ['beanie', 'cap', 'beret', 'crown']
/** What needs no hair to hold it. */
const loose: readonly TopStyle[] = [...hats, 'phones']
const tall: readonly (BackStyle | FrontStyle)[] = ['bun', 'buns', 'afro', 'spiky', 'mohawk', 'curly']

function wearable(top: TopStyle, back: BackStyle, front: FrontStyle): boolean {
  if (front === 'bald') return loose.includes(top)
  return !hats.includes(top) || !(tall.includes(back) || tall.includes(front))
}

/** One of the colours that stands out from `others`. */
function apart(random: Random, colours: readonly string[], others: readonly string[], least: number): string {
  const good = colours.filter((colour) => others.every((other) => difference(colour, other) >= least))
  return random.pick(good.length > 0 ? good : colours)
}

/** One of the cloths that stands out from `others`. */
function clothApart(random: Random, others: readonly string[]): Tone {
  const all = Object.values(cloths)
  const base = apart(
    random,
    all.map((cloth) => cloth.base),
    others,
    120,
  )
  return all.find((cloth) => cloth.base === base)!
}

/** The inside of the face, where hair and brows cast their shadow. */
function shadowed(face: string, skin: Skin, front: string): string {
  if (front === '') return ''
  return `<clipPath id="f"><path d="${face}"/></clipPath><g clip-path="url(#f)"><path d="${front}" transform="translate(0 3)" fill="${skin.shade}"/></g>`
}

function drawFace(random: Random, face: string, skin: Skin, hair: Tone, front: string, bearded: boolean): string {
  const iris = random.pick(irises)
  const both = random.weighted(eyeStyles)
  const wink = !['dot', 'happy', 'resting'].includes(both) && random.chance(5)
  const gaze = random.pick(gazes)
  const brow = random.pick(Object.values(brows))
  const browColour = hair.line
  const browPath = stroke(brow[0], browColour, brow[1])
  const [bx, by] = [64 + EYES.x, EYES.y - 15]
  const mirrored = `<g transform="matrix(-1 0 0 1 128 0)">${moved(bx, by, browPath)}</g>`
  const beard = bearded ? random.weighted({ full: 3, moustache: 2, goatee: 2, stubble: 4 }) : 'none'
  const mouth = random.weighted(
    beard === 'full' || beard === 'moustache'
      ? {
          smile: 2,
          grin: 2,
          flat: 1,
          little: 0,
          gentle: 0,
          smirk: 0,
          open: 2,
          surprised: 0,
          cat: 0,
          pout: 0,
          lips: 0,
          tongue: 0,
        }
      : {
          smile: 20,
          gentle: 14,
          smirk: 9,
          open: 12,
          grin: 9,
          little: 8,
          surprised: 4,
          cat: 6,
          pout: 6,
          flat: 5,
          lips: 9,
          tongue: 3,
        },
  )
  return (
    head(face, skin) +
    `<clipPath id="h"><path d="${face}"/></clipPath><g clip-path="url(#h)">${cheekShade(face, skin)}${beards[beard](hair)}</g>` +
    shadowed(face, skin, front) +
    blushes[random.weighted({ soft: 6, rosy: 3, faint: 4 })](skin) +
    marks[random.weighted({ none: 76, freckles: 13, mole: 7, plaster: 4 })](skin) +
    noses[random.pick(Object.keys(noses) as (keyof typeof noses)[])](skin) +
    mouths[mouth](skin) +
    eyes(both, wink ? 'happy' : both, iris, skin, gaze) +
    moved(bx, by, browPath) +
    mirrored
  )
}

/**
 * One face icon as SVG text, 128 units square; the same `seed` and `index` give the same text on every machine.
 * Throws OPTION_INVALID unless both are whole numbers of at least 0.
 */
export function drawIcon(seed: number, index: number): string {
  throwIfAny(
    Object.entries({ seed, index })
      .filter(([, value]) => !Number.isSafeInteger(value) || value < 0)
      .map(([path, value]) => ({ path, message: `expected a whole number of at least 0, but got ${value}` })),
  )
  const random = randomOf(seed, index)
  const skin = random.pick(skins)
  const dark = difference(skin.base, '#3b3548') < 260
  const hair = random.pick(Object.values(random.chance(dark ? 20 : 30) ? dyedHair : naturalHair))
  const cut = cuts[random.weighted(weightsOf(cuts))]!
  const frontStyle = random.pick(cut.fronts)
  const bearded = ['short', 'spiky', 'curly', 'shaved'].some((name) => cuts[name] === cut) && random.chance(36)
  const drawnTop = random.weighted(topStyles)
  const top = wearable(drawnTop, cut.back, frontStyle) ? drawnTop : 'none'
  const background = apart(random, Object.values(backgrounds), [skin.base, hair.base], 110)
  const cloth = clothApart(random, [background, skin.base])
  const second = clothApart(random, [cloth.base])
  const style = random.pick(Object.keys(clothes) as ClothStyle[])
  const face = random.pick(Object.values(faces))
  const front = fronts[frontStyle]
  const spectacles = random.weighted({ none: 74, round: 10, square: 8, gold: 5, sun: 3 })
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128" width="128" height="128" stroke-linejoin="round" stroke-linecap="round">` +
    `<rect width="128" height="128" fill="${background}"/>` +
    backs[cut.back](hair) +
    neck(skin) +
    clothes[style](cloth, second) +
    ears(skin) +
    earrings[random.weighted({ none: 70, studs: 12, hoops: 10, drops: 8 })]() +
    drawFace(random, face, skin, hair, front.outline, bearded) +
    glasses[spectacles](second) +
    locks[random.pick(cut.locks)](hair) +
    front.draw(hair) +
    tops[top](top === 'ears' ? hair : second) +
    '</svg>'
  )
}
