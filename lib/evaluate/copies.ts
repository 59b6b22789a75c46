/**
 * Which pictures are near copies of training pictures: those much nearer to one of them than to any other (the criterion
 * of the memorisation literature, such as arXiv 2505.17638). Variants of one drawing count as one picture: a second-nearest
 * that is the nearest in other colours would hide every copy.
 */
import { setImmediate } from 'node:timers/promises'
import type { PixelStore } from '../data/pixel-store.ts'
import { shrink } from '../images/shrink.ts'
import type { NativeEvaluate, NativePixelIndex } from '../native/evaluate.ts'
import { bootstrapShare, type Share } from './intervals.ts'

/** A copy's distance to the nearest training picture is less than this share of that to the second nearest. */
export const COPY_RATIO = 1 / 3

/** Pictures are compared at their own size, or at this one where they are larger: copies show at a glance. */
const MAX_SIDE = 64
/** What the training pictures may take in memory; where there are more, all are compared at a smaller side. */
const MAX_BYTES = 1 << 28
/** Below this side flat drawings begin to look alike. */
const MIN_SIDE = 8

/** Pictures in one native unit. */
const AT_ONCE = 32

/** Side at which `count` pictures of this size are compared, in pixels; undefined for too many to compare at all. */
export function comparedSide(count: number, size: number, channels: number): number | undefined {
  const side = Math.min(size, MAX_SIDE, Math.floor(Math.sqrt(MAX_BYTES / (count * channels))))
  return side < Math.min(size, MIN_SIDE) ? undefined : side
}

export type Nearest = {
  /** Index of the nearest training picture. */
  index: Int32Array
  /** Root of the mean squared difference to it, mirrored where that is less, on the scale of 0 to 255. */
  distance: Float64Array
  /** That distance over the one to the nearest training picture that is no variant of it: 0 for an exact copy. */
  ratio: Float64Array
}

/** Which of `files` are variants of each other, as dataset.json has it: one number for each picture. */
export function groupsOf(files: readonly { variant?: number | undefined }[]): Int32Array {
  return Int32Array.from(files, ({ variant }, index) => variant ?? -1 - index)
}

type Pictures = Pick<PixelStore, 'count' | 'size' | 'channels' | 'read'>

/** Training pictures to look for the nearest of others in. */
export class CopySearch {
  /** Side at which pictures are compared, in pixels. */
  readonly side: number
  readonly #index: NativePixelIndex
  readonly #groups: Int32Array
  readonly #size: number
  readonly #channels: number
  /** So many nearest ones hold one that is no variant of the first. */
  readonly #k: number

  private constructor(index: NativePixelIndex, groups: Int32Array, side: number, { size, channels }: Pictures) {
    this.#index = index
    this.#groups = groups
    this.side = side
    this.#size = size
    this.#channels = channels
    const members = new Map<number, number>()
    for (const group of groups) members.set(group, (members.get(group) ?? 0) + 1)
    this.#k = Math.max(...members.values()) + 1
  }

  /**
   * `groups` has a number for each picture of the store, the same for variants of each other. Undefined where nothing
   * can be said: all pictures are variants of one drawing, or there are too many.
   */
  static async over(
    addon: Pick<NativeEvaluate, 'pixelIndex'>,
    store: Pictures,
    groups: Int32Array,
  ): Promise<CopySearch | undefined> {
    const { count, size, channels } = store
    const side = comparedSide(count, size, channels)
    if (side === undefined || new Set(groups).size < 2) return undefined
    const bytes = side * side * channels
    const pixels = new Uint8Array(count * bytes)
    for (let first = 0; first < count; first += AT_ONCE) {
      const rows = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, i) => first + i)
      pixels.set(shrink(await store.read(rows), size, channels, side), first * bytes)
      // What is in memory is read in no time, and the thread belongs to others too.
      await setImmediate()
    }
    return new CopySearch(await addon.pixelIndex(pixels, [count, side, side, channels]), groups, side, store)
  }

  /** Of pictures as the store has them: uint8 [n, size, size, channels]. */
  async nearest(pixels: Uint8Array): Promise<Nearest> {
    const bytes = this.#size * this.#size * this.#channels
    const count = pixels.length / bytes
    const found = { index: new Int32Array(count), distance: new Float64Array(count), ratio: new Float64Array(count) }
    for (let first = 0; first < count; first += AT_ONCE)
      await this.#search(pixels.subarray(first * bytes, (first + AT_ONCE) * bytes), first, found)
    return found
  }

  async #search(pixels: Uint8Array, first: number, { index, distance, ratio }: Nearest): Promise<void> {
    const [side, k] = [this.side, this.#k]
    const small = shrink(pixels, this.#size, this.#channels, side)
    const count = small.length / (side * side * this.#channels)
    const shape = [count, side, side, this.#channels]
    const { indices, distances } = await this.#index.nearest(small, shape, { k, metric: 'l2', mirrored: true })
    for (let i = 0; i < count; i++) {
      const group = this.#groups[indices[i * k]!]
      let other = 1
      while (this.#groups[indices[i * k + other]!] === group) other += 1
      const nearest = distances[i * k]!
      index[first + i] = indices[i * k]!
      distance[first + i] = nearest
      ratio[first + i] = nearest === 0 ? 0 : nearest / distances[i * k + other]!
    }
  }

  dispose(): void {
    this.#index.dispose()
  }
}

/** 1 for each near copy, 0 for each other picture. */
export const copiesAmong = ({ ratio }: Pick<Nearest, 'ratio'>): Uint8Array =>
  Uint8Array.from(ratio, (value) => (value < COPY_RATIO ? 1 : 0))

/** The share of near copies, with its bounds. */
export const copyShare = (hits: Uint8Array, seed: number): Share => bootstrapShare(hits, seed)
