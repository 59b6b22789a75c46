/** The nearest pictures of a reference, by pixels; the reference in pieces, so that memory does not grow with it. */
import { rowBytes } from '../data/pixel-store.ts'
import type { NativeEvaluate } from '../native/evaluate.ts'
import { type EvaluationHooks, throwIfAborted } from './hooks.ts'
import { batchesOf, type PictureSet, range } from './pictures.ts'

/** For each picture the `k` nearest, ascending: indices in the reference, and distances on the scale 0 to 255. */
export type Neighbours = { k: number; indices: Int32Array; distances: Float64Array }

export type NeighbourSearch = {
  /** "l1": mean |x - y|; "l2": root of the mean square. */
  metric: 'l1' | 'l2'
  k: number
  /** Whether the mirror image of a picture counts as the picture. */
  mirrored: boolean
}

/** The part of the reference that is held at once. */
const PIECE_BYTES = 2 ** 28
/** Pictures looked for in one unit. */
const BATCH = 32

/** Puts a candidate where it belongs among the `k` of one picture, if it does. */
function insert({ k, indices, distances }: Neighbours, picture: number, index: number, distance: number): void {
  let place = (picture + 1) * k - 1
  if (!(distance < distances[place]!)) return
  for (; place > picture * k && distance < distances[place - 1]!; place--) {
    distances[place] = distances[place - 1]!
    indices[place] = indices[place - 1]!
  }
  distances[place] = distance
  indices[place] = index
}

/** Where the reference has fewer than `k` pictures, what is missing has index -1 and an infinite distance. */
export async function nearest(
  addon: Pick<NativeEvaluate, 'pixelIndex'>,
  reference: PictureSet,
  pictures: PictureSet,
  { k, metric, mirrored }: NeighbourSearch,
  hooks: EvaluationHooks & { onDone?: (pictures: number) => void } = {},
): Promise<Neighbours> {
  const places = pictures.count * k
  const found: Neighbours = {
    k,
    indices: new Int32Array(places).fill(-1),
    distances: new Float64Array(places).fill(Number.POSITIVE_INFINITY),
  }
  const { size, channels } = reference
  const most = Math.max(1, Math.floor(PIECE_BYTES / rowBytes(reference)))
  for (let begin = 0; begin < reference.count; begin += most) {
    const rows = await reference.read(range(begin, Math.min(reference.count, begin + most)))
    const index = await addon.pixelIndex(rows, [rows.length / rowBytes(reference), size, size, channels])
    try {
      for await (const batch of batchesOf(pictures, BATCH)) {
        throwIfAborted(hooks)
        const count = batch.shape[0]
        const inPiece = Math.min(k, rows.length / rowBytes(reference))
        const { indices, distances } = await index.nearest(batch.rows, batch.shape, { k: inPiece, metric, mirrored })
        for (let i = 0; i < count; i++)
          for (let j = 0; j < inPiece; j++)
            insert(found, batch.begin + i, begin + indices[i * inPiece + j]!, distances[i * inPiece + j]!)
        hooks.onDone?.((count * rows.length) / rowBytes(reference) / reference.count)
      }
    } finally {
      index.dispose()
    }
  }
  return found
}

/** The nearest of each picture of a set among the others of the set, from neighbours with `k` of at least 2. */
export function nearestOthers({ k, indices, distances }: Neighbours): Neighbours {
  const count = indices.length / k
  const others: Neighbours = { k: 1, indices: new Int32Array(count), distances: new Float64Array(count) }
  for (let i = 0; i < count; i++) {
    // A picture that is there twice may come after its copy.
    const place = indices[i * k] === i ? i * k + 1 : i * k
    others.indices[i] = indices[place]!
    others.distances[i] = distances[place]!
  }
  return others
}
