/** Which pictures are the same one again: encoded anew, scaled, mirrored, slightly noised. Found by their thumbnails. */
import { setImmediate } from 'node:timers/promises'
import { abortError } from '../errors.ts'
import { LUMA_CELLS, mirrored, THUMBNAIL_BYTES } from '../images/thumbnail.ts'

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

/** Mean brightness of each thumbnail; mirroring does not change it. */
function meansOf(thumbnails: Uint8Array, count: number): Float32Array {
  const means = new Float32Array(count)
  for (let i = 0; i < count; i++) {
    let sum = 0
    for (let cell = 0; cell < LUMA_CELLS; cell++) sum += thumbnails[i * THUMBNAIL_BYTES + cell]!
    means[i] = sum / LUMA_CELLS
  }
  return means
}

/**
 * For each thumbnail, which lie one after the other, the first index of its group; its own where it is alone. Pictures
 * that are alike in steps are one group. Compares only those of about the same brightness. Where that takes a while,
 * `onDone` hears of so many more compared now and then. Rejects with ABORT_ERR.
 */
export async function groupNearDuplicates(thumbnails: Uint8Array, hooks: CompareHooks = {}): Promise<Int32Array> {
  const { signal, onDone } = hooks
  const count = thumbnails.length / THUMBNAIL_BYTES
  const unions = new Unions(count)
  const means = meansOf(thumbnails, count)
  const order = Int32Array.from({ length: count }, (_, i) => i).sort((a, b) => means[a]! - means[b]!)
  let pairs = 0
  let said = 0
  for (let i = 0; i < count; i++) {
    const index = order[i]!
    const start = index * THUMBNAIL_BYTES
    const mirror = mirrored(thumbnails.subarray(start, start + THUMBNAIL_BYTES))
    for (let j = i + 1; j < count && means[order[j]!]! - means[index]! <= sameWithin.meanLuma; j++) {
      pairs += 1
      if (unions.find(index) === unions.find(order[j]!)) continue
      const other = order[j]! * THUMBNAIL_BYTES
      if (alike(thumbnails, start, thumbnails, other) || alike(mirror, 0, thumbnails, other))
        unions.join(index, order[j]!)
    }
    if (pairs < PAIRS_AT_ONCE) continue
    pairs = 0
    onDone?.(i + 1 - said)
    said = i + 1
    await setImmediate()
    if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
  }
  return unions.toArray()
}
