/**
 * Which pictures are variants of one drawing, such as the same face in several skin tones: their edges are in the same
 * places, whatever the colours. They are held out together, and where copies are looked for they count as one.
 */
import { setImmediate } from 'node:timers/promises'
import { abortError } from '../errors.ts'
import { mirroredOutlines, outlineBytes, outlinesOf } from '../images/outlines.ts'
import { type PixelStore, UnkeptPixelStore } from './pixel-store.ts'

/** Outlines farther apart than this are those of different drawings: 0 for equal ones, about 1 where no edge is shared. */
const FARTHEST = 0.25
/** The steps from one variant to the next are at most this share of the step to any other picture. */
const WITHIN = 1 / 2
/** Every pair is compared, a second or two for so many; in larger sets variants are not looked for. */
export const MAX_COMPARED = 1000

const AT_ONCE = 32
/** Comparing blocks the thread, so it pauses after about so many pairs. */
const PAIRS_AT_ONCE = 5000

/** Two pictures whose outlines are `distance` apart. */
export type Pair = { a: number; b: number; distance: number }

async function allOutlines(store: PixelStore): Promise<Uint8Array> {
  const bytes = outlineBytes(store)
  const outlines = new Uint8Array(store.count * bytes)
  for (let first = 0; first < store.count; first += AT_ONCE) {
    const rows = Array.from({ length: Math.min(AT_ONCE, store.count - first) }, (_, i) => first + i)
    outlines.set(outlinesOf(await store.read(rows), store), first * bytes)
    await setImmediate()
  }
  return outlines
}

/** Sum of squared differences; anything from `limit` on where it is no less. */
function squares(a: Uint8Array, b: Uint8Array, limit: number): number {
  let sum = 0
  for (let first = 0; first < a.length && sum < limit; first += 128) {
    const last = Math.min(a.length, first + 128)
    for (let i = first; i < last; i++) {
      const difference = a[i]! - b[i]!
      sum += difference * difference
    }
  }
  return sum
}

/** Pairs that may be variants, mirrored or not. The distance is relative to how much outline both have. */
async function pairsOf(outlines: Uint8Array, bytes: number, signal: AbortSignal | undefined): Promise<Pair[]> {
  const rows = Array.from({ length: outlines.length / bytes }, (_, i) => outlines.subarray(i * bytes, (i + 1) * bytes))
  const norms = rows.map((row) => row.reduce((sum, value) => sum + value * value, 0))
  const pairs: Pair[] = []
  let compared = 0
  for (let b = 1; b < rows.length; b++) {
    const mirror = mirroredOutlines(rows[b]!)
    for (let a = 0; a < b; a++) {
      const scale = norms[a]! + norms[b]!
      const limit = FARTHEST ** 2 * scale
      // Not nearer than their lengths are to each other.
      if ((Math.sqrt(norms[a]!) - Math.sqrt(norms[b]!)) ** 2 >= limit) continue
      const plain = squares(rows[a]!, rows[b]!, limit)
      const sum = Math.min(plain, squares(rows[a]!, mirror, Math.min(plain, limit)))
      if (sum < limit) pairs.push({ a, b, distance: Math.sqrt(sum / scale) })
    }
    compared += b
    if (compared < PAIRS_AT_ONCE) continue
    compared = 0
    await setImmediate()
    if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
  }
  return pairs
}

/** Pictures that have been joined: into families so far, and the longest step within. */
type Cluster = { families: number[][]; longest: number }

/** One family of at most `most`, if the next picture is far from it in comparison. */
function settle(cluster: Cluster, next: number, most: number): void {
  const members = cluster.families.flat()
  if (cluster.longest <= WITHIN * next && members.length <= most) cluster.families = [members]
}

/**
 * Joins the nearest first, as single linkage does. `leaders` has for each picture the first of its near-duplicates, which
 * are joined from the start. The first index of each picture's family.
 */
export function familiesOf(pairs: readonly Pair[], leaders: Int32Array): Int32Array {
  const clusters = new Map<number, Cluster>()
  for (const [index, leader] of leaders.entries()) {
    const cluster = clusters.get(leader) ?? { families: [[]], longest: 0 }
    cluster.families[0]!.push(index)
    clusters.set(leader, cluster)
  }
  const clusterOf = Array.from(leaders, (leader) => clusters.get(leader)!)
  // What more than half of the set shares is its subject.
  const most = leaders.length / 2
  for (const { a, b, distance } of pairs.toSorted((one, other) => one.distance - other.distance)) {
    const [into, from] = [clusterOf[a]!, clusterOf[b]!]
    if (into === from) continue
    settle(into, distance, most)
    settle(from, distance, most)
    for (const index of from.families.flat()) clusterOf[index] = into
    into.families.push(...from.families)
    into.longest = distance
  }
  const families = new Int32Array(leaders)
  for (const cluster of new Set(clusterOf)) {
    settle(cluster, FARTHEST, most)
    for (const family of cluster.families) {
      const first = Math.min(...family)
      for (const index of family) families[index] = first
    }
  }
  return families
}

/**
 * For each picture the first index of its variants, its own where it has none; near-duplicates are variants. Those of
 * `leaders` in sets of more than MAX_COMPARED, or where pixels are not kept. Rejects with ABORT_ERR, and as reading does.
 */
export async function groupVariants(store: PixelStore, leaders: Int32Array, signal?: AbortSignal): Promise<Int32Array> {
  if (store.count > MAX_COMPARED || store instanceof UnkeptPixelStore) return leaders
  return familiesOf(await pairsOf(await allOutlines(store), outlineBytes(store), signal), leaders)
}
