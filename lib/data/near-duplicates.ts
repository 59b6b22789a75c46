/** Which pictures are the same one again: encoded anew, scaled, mirrored, slightly noised. Found by their thumbnails. */
import { setImmediate } from 'node:timers/promises'
import { abortError } from '../errors.ts'
import { CHROMA_CELLS, LUMA_CELLS, mirrored, THUMBNAIL_BYTES } from '../images/thumbnail.ts'

/**
 * How far the thumbnails of one picture may lie apart, of 255: in any cell, and on average. docs/data.md has what was
 * measured: copies stay below, and different pictures of one hand above.
 */
export const sameWithin = { luma: 16, chroma: 6, meanLuma: 4 } as const

/** Comparing blocks the thread, so it pauses after about so many pairs. */
const PAIRS_AT_ONCE = 50_000

export type CompareHooks = { signal?: AbortSignal | undefined; onDone?: (more: number) => void }

/** Whether no cell of `a` from `start` is farther than the limits from that of `b`. */
function alike(a: Uint8Array, aStart: number, b: Uint8Array, bStart: number): boolean {
  for (let i = LUMA_CELLS; i < THUMBNAIL_BYTES; i++)
    if (Math.abs(a[aStart + i]! - b[bStart + i]!) > sameWithin.chroma) return false
  for (let i = 0; i < LUMA_CELLS; i++) if (Math.abs(a[aStart + i]! - b[bStart + i]!) > sameWithin.luma) return false
  return true
}

/** Sets that grow together: each knows the lowest index in it. */
class Unions {
  readonly #parent: Int32Array

  constructor(count: number) {
    this.#parent = Int32Array.from({ length: count }, (_, i) => i)
  }

  find(index: number): number {
    let root = index
    while (this.#parent[root] !== root) root = this.#parent[root]!
    for (let at = index; at !== root; ) {
      const next = this.#parent[at]!
      this.#parent[at] = root
      at = next
    }
    return root
  }

  join(a: number, b: number): void {
    const [first, second] = [this.find(a), this.find(b)]
    this.#parent[Math.max(first, second)] = Math.min(first, second)
  }

  toArray(): Int32Array {
    return this.#parent.map((_, i) => this.find(i))
  }
}

/**
 * Alike thumbnails differ by no more than these, mirrored or not: the mean brightness, that of the upper half, and the
 * means of both colour differences. Mirroring changes none of them.
 */
const STEPS = [sameWithin.meanLuma, sameWithin.luma, sameWithin.chroma, sameWithin.chroma] as const

/** Of one coordinate of a cell, with room for a neighbour on either side. */
const WIDTHS = STEPS.map((step) => Math.floor(255 / step) + 3)

const keyOf = (cell: readonly number[]): number => cell.reduce((key, at, i) => key * WIDTHS[i]! + at, 0)

/** From a cell to half of its neighbours; the other half has it as theirs. */
const FORWARD = [-1, 0, 1]
  .flatMap((a) => [-1, 0, 1].flatMap((b) => [-1, 0, 1].flatMap((c) => [-1, 0, 1].map((d) => keyOf([a, b, c, d])))))
  .filter((offset) => offset > 0)

/** The mean brightness of a thumbnail, and the cell that only cells beside it may have alike ones in. */
function placeOf(thumbnails: Uint8Array, start: number): { mean: number; key: number } {
  let [upper, lower, blue, red] = [0, 0, 0, 0]
  for (let cell = 0; cell < LUMA_CELLS / 2; cell++) {
    upper += thumbnails[start + cell]!
    lower += thumbnails[start + LUMA_CELLS / 2 + cell]!
  }
  for (let i = start + LUMA_CELLS; i < start + THUMBNAIL_BYTES; i += 2) {
    blue += thumbnails[i]!
    red += thumbnails[i + 1]!
  }
  const mean = (upper + lower) / LUMA_CELLS
  const means = [mean, (2 * upper) / LUMA_CELLS, blue / CHROMA_CELLS, red / CHROMA_CELLS]
  return { mean, key: keyOf(means.map((value, i) => Math.floor(value / STEPS[i]!) + 1)) }
}

/**
 * For each thumbnail, which lie one after the other, the first index of its group; its own where it is alone. Pictures
 * that are alike in steps are one group. Compares only those of about the same brightness and colour. Where that takes
 * a while, `onDone` hears of so many more compared now and then. Rejects with ABORT_ERR.
 */
export async function groupNearDuplicates(thumbnails: Uint8Array, hooks: CompareHooks = {}): Promise<Int32Array> {
  const { signal, onDone } = hooks
  const count = thumbnails.length / THUMBNAIL_BYTES
  const unions = new Unions(count)
  const means = new Float32Array(count)
  const keys = new Float64Array(count)
  /** The pictures of each cell that have been met. */
  const cells = new Map<number, number[]>()
  for (let index = 0; index < count; index++) {
    const { mean, key } = placeOf(thumbnails, index * THUMBNAIL_BYTES)
    means[index] = mean
    keys[index] = key
    const cell = cells.get(key)
    if (cell) cell.push(index)
    else cells.set(key, [index])
  }
  let pairs = 0
  let said = 0
  for (let index = 0; index < count; index++) {
    const start = index * THUMBNAIL_BYTES
    const mirror = mirrored(thumbnails.subarray(start, start + THUMBNAIL_BYTES))
    const compare = (other: number) => {
      pairs += 1
      if (Math.abs(means[other]! - means[index]!) > sameWithin.meanLuma || unions.find(index) === unions.find(other))
        return
      const at = other * THUMBNAIL_BYTES
      if (alike(thumbnails, start, thumbnails, at) || alike(mirror, 0, thumbnails, at)) unions.join(index, other)
    }
    for (const other of cells.get(keys[index]!)!) if (other > index) compare(other)
    for (const offset of FORWARD) for (const other of cells.get(keys[index]! + offset) ?? []) compare(other)
    pairs += FORWARD.length
    if (pairs < PAIRS_AT_ONCE) continue
    pairs = 0
    onDone?.(index + 1 - said)
    said = index + 1
    await setImmediate()
    if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
  }
  return unions.toArray()
}
