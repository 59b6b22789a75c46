/** Tries each backend on the GPU at hand: which agree with the reference there, and how fast each is. */
import { ShinsakuError } from '../errors.ts'
import type { Addon, NativeSnapshot, NativeTrainer, Spec } from '../native/addon.ts'
import { anyLabels } from '../options/labels.ts'
import { type Placement, toSpec } from './placement.ts'

/** What computes an update, and whether it is recorded once as a CUDA graph and replayed. */
export type Backend = Pick<Placement, 'ops' | 'graph'>

export type Trial = Backend & {
  /** Of one update; null where it could not be tried. */
  milliseconds: number | null
  /** Greatest relative difference that was seen, and what is allowed; null for the reference itself. */
  distance: number | null
  bound: number | null
  problem: string | null
}

export const reference: Backend = { ops: 'reference', graph: false }

/** An ops set is compared with the reference in fp32, a graph with its own ops set without one. */
const others: readonly Backend[] = [
  { ops: 'reference', graph: true },
  { ops: 'cuda', graph: false },
  { ops: 'cuda', graph: true },
]

/**
 * How much further from the reference in fp32 another ops set may be than the reference is in the same precision:
 * gradients are sums over many pixels, rounded in another order. In fp32 the reference is at no distance to itself.
 */
const WORSE = 3
const leastBound: Readonly<Record<Placement['precision'], number>> = { fp32: 1e-2, tf32: 2e-2, bf16: 5e-2 }
/** A graph does the same work; only the order of sums in cuDNN may change, which a DCGAN soon shows. Of what weights moved by. */
const GRAPH_BOUND = 1e-1

/** Updates that are compared; the first few of a graph are not replays yet. */
const COMPARED = 8
const TIMED_SECONDS = 0.5

/** Adam's first moments after one update, which are the gradients, and the weights after some more. */
type Seen = { moments: NativeSnapshot; weights: NativeSnapshot; milliseconds: number }

/** Keeps a snapshot until the trial is over. */
type Keep = (snapshot: Promise<NativeSnapshot>) => Promise<NativeSnapshot>

async function momentsOf(trainer: NativeTrainer, keep: Keep): Promise<NativeSnapshot> {
  await trainer.step(1)
  return keep(trainer.snapshot('moments'))
}

/** Some updates of a trainer that begins as every other one does. */
async function observe(trainer: NativeTrainer, keep: Keep): Promise<Seen> {
  const moments = await momentsOf(trainer, keep)
  await trainer.step(COMPARED - 1)
  const weights = await keep(trainer.snapshot('weights'))
  const time = async (updates: number) => {
    const begin = performance.now()
    await trainer.step(updates)
    return (performance.now() - begin) / updates
  }
  const first = await time(2)
  const updates = Math.min(50, Math.max(3, Math.round((TIMED_SECONDS * 1000) / first)))
  return { moments, weights, milliseconds: await time(updates) }
}

/** Any pictures, as long as they differ. */
function pictures(bytes: number): Uint8Array {
  const pixels = new Uint8Array(bytes)
  const period = Math.min(bytes, 65_521)
  for (let i = 0; i < period; i++) pixels[i] = i ^ (i >>> 7)
  for (let filled = period; filled < bytes; filled *= 2) pixels.copyWithin(filled, 0, filled)
  return pixels
}

/** Calls `use` with a trainer of its own, over pictures for two full batches. */
async function withTrainer<T>(addon: Addon, spec: Spec, use: (trainer: NativeTrainer) => Promise<T>): Promise<T> {
  type Read = { size: number; channels: number; batch: number; device: string; labelGroups?: readonly number[] }
  const { size, channels, batch, device, labelGroups } = spec as Read
  const shape = [2 * batch, size, size, channels]
  const labels = labelGroups && anyLabels(labelGroups, 2 * batch)
  const images = await addon.images(pictures(2 * batch * size * size * channels), shape, device, labels)
  try {
    const trainer = await addon.trainer(spec, images)
    try {
      return await use(trainer)
    } finally {
      trainer.dispose()
    }
  } finally {
    images.dispose()
  }
}

const failed = (backend: Backend, { message }: ShinsakuError): Trial => ({
  ...backend,
  milliseconds: null,
  distance: null,
  bound: null,
  problem: message,
})

/** Every backend with this very spec, the reference first; rejects where the reference cannot be tried. */
async function runEach(addon: Addon, spec: Spec, precision: Placement['precision'], canReplay: boolean) {
  const kept: NativeSnapshot[] = []
  const keep: Keep = async (snapshot) => {
    kept.push(await snapshot)
    return snapshot
  }
  try {
    return await compareEach(addon, spec, precision, canReplay, keep)
  } finally {
    for (const snapshot of kept) snapshot.dispose()
  }
}

async function compareEach(
  addon: Addon,
  spec: Spec,
  precision: Placement['precision'],
  canReplay: boolean,
  keep: Keep,
): Promise<Trial[]> {
  const exactly = { ...spec, ...reference, precision: 'fp32' }
  const { start, truth } = await withTrainer(addon, exactly, async (trainer) => ({
    start: await keep(trainer.snapshot('weights')),
    truth: await momentsOf(trainer, keep),
  }))
  const expected = await withTrainer(addon, { ...spec, ...reference }, (trainer) => observe(trainer, keep))
  const bound = Math.max(leastBound[precision], WORSE * (await expected.moments.distance(truth)))
  const tried: Trial[] = [
    { ...reference, milliseconds: expected.milliseconds, distance: null, bound: null, problem: null },
  ]
  /** Weights of the newest backend without a graph, which the graph behind it is held against. */
  let plain: NativeSnapshot | undefined = expected.weights
  for (const backend of others) {
    if (backend.graph && !(canReplay && plain)) continue
    try {
      const { moments, weights, milliseconds } = await withTrainer(addon, { ...spec, ...backend }, (trainer) =>
        observe(trainer, keep),
      )
      const distance = await (backend.graph ? weights.distanceOfMoves(start, plain!) : moments.distance(truth))
      tried.push({ ...backend, milliseconds, distance, bound: backend.graph ? GRAPH_BOUND : bound, problem: null })
      if (!backend.graph) plain = weights
    } catch (error) {
      if (!(error instanceof ShinsakuError)) throw error
      if (!backend.graph) plain = undefined
      tried.push(failed(backend, error))
    }
  }
  return tried
}

/**
 * Every backend, the reference first. `canReplay`: whether a graph can hold an update of these options. The reference may
 * need more memory than the others: where it has too little they are all tried with half as many pictures.
 */
export async function runTrials(
  addon: Addon,
  options: object,
  placement: Placement,
  canReplay: boolean,
): Promise<Trial[]> {
  let spec = toSpec(options, placement)
  for (;;) {
    try {
      return await runEach(addon, spec, placement.precision, canReplay)
    } catch (error) {
      const batch = spec.batch as number
      if (!(error instanceof ShinsakuError && error.code === 'OUT_OF_MEMORY') || batch < 2) throw error
      spec = { ...spec, batch: Math.ceil(batch / 2) }
    }
  }
}

/** Whether its results are the reference's, within what its precision allows. */
export const agrees = ({ distance, bound, problem }: Trial): boolean =>
  problem === null && (distance === null || distance <= bound!)

/** The fastest of those that agree. */
export function fastestOf(tried: readonly Trial[]): Backend {
  const [best] = tried.filter(agrees).sort((a, b) => a.milliseconds! - b.milliseconds!)
  return best ? { ops: best.ops, graph: best.graph } : reference
}

export const nameOf = ({ ops, graph }: Backend): string => (graph ? `${ops} in a graph` : ops)

/** One line for each backend that was tried. */
export function formatTrials(tried: readonly Trial[]): string[] {
  return tried.map((backend) => {
    const name = nameOf(backend)
    if (backend.problem !== null) return `${name}: ${backend.problem}`
    const time = `${backend.milliseconds!.toFixed(2)} ms an update`
    if (backend.distance === null) return `${name}: ${time}`
    const differs = `differs by ${backend.distance.toExponential(1)}`
    return `${name}: ${time}, ${differs}${agrees(backend) ? '' : `, more than ${backend.bound!.toExponential(0)}: not used`}`
  })
}
