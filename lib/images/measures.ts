/** A decoded picture in a few numbers, by which suspicious ones are known: how bright, how colourful, how detailed. */
import type { SquareShape } from './thumbnail.ts'

/** On the scale of 0 to 255. */
export type Measures = {
  /** Mean of the brightness. */
  brightness: number
  /** Standard deviation of the brightness. */
  contrast: number
  /** Root mean square of the colour differences: 0 for grey. */
  colour: number
  /** Standard deviation of colour differences: 0 where there is one colour only. */
  colourContrast: number
  /** Root mean square of second differences at full size, half, a quarter and so on: what detail there is at each. */
  detail: number[]
  /** Root mean square of what is left of 2 x 2 pixels without their mean, at the same sizes: 0 for blocks of one colour. */
  blocks: number[]
}

/** A square of this side is halved no more. */
const SMALLEST = 8
const MAX_LEVELS = 4

const rounded = (value: number): number => Math.round(value * 1000) / 1000

type Planes = { luma: Float32Array; tone: Pick<Measures, 'brightness' | 'contrast' | 'colour' | 'colourContrast'> }

/** Brightness of each pixel, and the tone of all; transparent pixels lie on white. */
function planesOf(pixels: Uint8Array, { size, channels }: SquareShape): Planes {
  const count = size * size
  const luma = new Float32Array(count)
  const sums = { luma: 0, squares: 0, blue: 0, red: 0, colour: 0 }
  for (let i = 0; i < count; i++) {
    const at = i * channels
    const opacity = channels === 4 ? pixels[at + 3]! / 255 : 1
    const white = 255 * (1 - opacity)
    const red = pixels[at]! * opacity + white
    const green = channels === 1 ? red : pixels[at + 1]! * opacity + white
    const blue = channels === 1 ? red : pixels[at + 2]! * opacity + white
    const value = 0.299 * red + 0.587 * green + 0.114 * blue
    const [toBlue, toRed] = [0.564 * (blue - value), 0.713 * (red - value)]
    luma[i] = value
    sums.luma += value
    sums.squares += value * value
    sums.blue += toBlue
    sums.red += toRed
    sums.colour += toBlue * toBlue + toRed * toRed
  }
  const mean = (sum: number) => sum / count
  const root = (variance: number) => rounded(Math.sqrt(Math.max(0, variance)))
  const tone = {
    brightness: rounded(mean(sums.luma)),
    contrast: root(mean(sums.squares) - mean(sums.luma) ** 2),
    colour: root(mean(sums.colour)),
    colourContrast: root(mean(sums.colour) - mean(sums.blue) ** 2 - mean(sums.red) ** 2),
  }
  return { luma, tone }
}

function secondDifferences(plane: Float32Array, side: number): number {
  let sum = 0
  for (let y = 1; y < side - 1; y++) {
    for (let at = y * side + 1; at < (y + 1) * side - 1; at++) {
      const twice = 2 * plane[at]!
      const across = plane[at - 1]! + plane[at + 1]! - twice
      const down = plane[at - side]! + plane[at + side]! - twice
      sum += across * across + down * down
    }
  }
  return Math.sqrt(sum / (2 * (side - 2) ** 2))
}

/** The plane at half the size, and what its means leave of each 2 x 2 pixels. */
function halved(plane: Float32Array, side: number): { half: Float32Array; left: number } {
  const halfSide = side >> 1
  const half = new Float32Array(halfSide * halfSide)
  let left = 0
  for (let y = 0; y < halfSide; y++) {
    for (let x = 0; x < halfSide; x++) {
      const at = 2 * y * side + 2 * x
      const [a, b, c, d] = [plane[at]!, plane[at + 1]!, plane[at + side]!, plane[at + side + 1]!]
      const mean = (a + b + c + d) / 4
      half[y * halfSide + x] = mean
      left += (a - mean) ** 2 + (b - mean) ** 2 + (c - mean) ** 2 + (d - mean) ** 2
    }
  }
  return { half, left: Math.sqrt(left / (4 * halfSide * halfSide)) }
}

/** Measures `[size, size, channels]` pixels. */
export function measuresOf(pixels: Uint8Array, shape: SquareShape): Measures {
  const { luma, tone } = planesOf(pixels, shape)
  const [detail, blocks]: [number[], number[]] = [[], []]
  let plane = luma
  for (let side = shape.size; side >= SMALLEST && detail.length < MAX_LEVELS; side >>= 1) {
    detail.push(rounded(secondDifferences(plane, side)))
    const { half, left } = halved(plane, side)
    blocks.push(rounded(left))
    plane = half
  }
  return { ...tone, detail, blocks }
}

const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const isLevels = (value: unknown) => Array.isArray(value) && value.length <= MAX_LEVELS && value.every(isNumber)

/** Whether a value from outside has the form of measures. */
export function isMeasures(value: unknown): value is Measures {
  if (typeof value !== 'object' || value === null) return false
  const { detail, blocks, ...tone } = value as Record<string, unknown>
  const names = ['brightness', 'contrast', 'colour', 'colourContrast']
  return names.every((name) => isNumber(tone[name])) && isLevels(detail) && isLevels(blocks)
}
