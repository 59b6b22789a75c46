/** Tries on the GPU at hand which ways of training agree with the reference there, and how fast each is. */
import { ShinsakuError } from '../errors.ts'
import type { Addon, NativeTrainer, Spec } from './addon.ts'
import { type Placement, toSpec } from './spec.ts'

/** What computes an update, and whether it is recorded once as a CUDA graph and replayed. */
export type Way = Pick<Placement, 'ops' | 'graph'>

export type Tried = Way & {
  /** Of one update; null where it could not be tried. */
  milliseconds: number | null
  /** Greatest relative difference that was seen, and what is allowed; null for the reference itself. */
  distance: number | null
  bound: number | null
  problem: string | null
}

export const reference: Way = { ops: 'reference', graph: false }

/** An ops set is compared with the reference in fp32, a graph with its own ops set without one. */
const ways: readonly Way[] = [
  reference,
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

type Values = Map<string, Float32Array>

async function read(trainer: NativeTrainer, wanted: (name: string) => boolean): Promise<Values> {
  const values: Values = new Map()
  for (const { name, dtype } of await trainer.tensors()) {
    if (dtype !== 'F32' || !wanted(name)) continue
    const { buffer, byteOffset, byteLength } = await trainer.tensor(name)
    values.set(name, new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer))
  }
  return values
}

const squares = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0)

/** Greatest difference of one tensor, relative to its norm, or to a little of what all of them have on average. */
export function distanceByTensor(a: Values, b: Values): number {
  let all = 0
  let count = 0
  for (const values of b.values()) {
    all += squares(values)
    count += values.length
  }
  let furthest = 0
  for (const [name, expected] of b) {
    const found = a.get(name)!
    const difference = Math.sqrt(squares(found.map((value, i) => value - expected[i]!)))
    const size = Math.max(Math.sqrt(squares(expected)), 0.02 * Math.sqrt((all / count) * expected.length))
    const distance = size > 0 ? difference / size : difference
    // NaN is further than anything.
    if (!(distance <= furthest)) furthest = Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance
  }
  return furthest
}

/** Difference of two moves from the same place, relative to the second. */
export function distanceOfMoves(from: Values, a: Values, b: Values): number {
  let apart = 0
  let moved = 0
  for (const [name, start] of from) {
    const [found, expected] = [a.get(name)!, b.get(name)!]
    for (let i = 0; i < start.length; i++) {
      apart += (found[i]! - expected[i]!) ** 2
      moved += (expected[i]! - start[i]!) ** 2
    }
  }
  const distance = moved > 0 ? Math.sqrt(apart / moved) : Math.sqrt(apart)
  return Number.isNaN(distance) ? Number.POSITIVE_INFINITY : distance
}

const isMoment = (name: string) => name.startsWith('optimizer.exp_avg.')
const isWeight = (name: string) => !/^(optimizer|ema|progress|random)\./.test(name)

type Seen = { start: Values; moments: Values; weights: Values; milliseconds: number }

async function momentsOf(trainer: NativeTrainer): Promise<Values> {
  await trainer.step(1)
  return read(trainer, isMoment)
}

/** Some updates of a trainer that begins as every other one does. */
async function observe(trainer: NativeTrainer): Promise<Seen> {
  const start = await read(trainer, isWeight)
  const moments = await momentsOf(trainer)
  await trainer.step(COMPARED - 1)
  const weights = await read(trainer, isWeight)
  const time = async (updates: number) => {
    const begin = performance.now()
    await trainer.step(updates)
    return (performance.now() - begin) / updates
  }
  const first = await time(2)
  const updates = Math.min(50, Math.max(3, Math.round((TIMED_SECONDS * 1000) / first)))
  return { start, moments, weights, milliseconds: await time(updates) }
}

/** Smooth pictures, a little different from each other: enough for two full batches. */
function pictures(count: number, size: number, channels: number): Uint8Array {
  const pixels = new Uint8Array(count * size * size * channels)
  for (let i = 0; i < pixels.length; i++) pixels[i] = 128 + 100 * Math.sin(i / (3 + (i % channels)) + i / size)
  return pixels
}

const number = (spec: Spec, key: string): number => spec[key] as number

/** Calls `use` with a trainer of its own over such pictures. */
async function withTrainer<T>(addon: Addon, spec: Spec, use: (trainer: NativeTrainer) => Promise<T>): Promise<T> {
  const [size, channels, batch] = ['size', 'channels', 'batch'].map((key) => number(spec, key)) as [
    number,
    number,
    number,
  ]
  const count = 2 * batch
  const images = await addon.images(
    pictures(count, size, channels),
    [count, size, size, channels],
    spec.device as string,
  )
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

/** Every way, the reference first. `canReplay`: whether a graph can hold an update of these options. */
export async function tryWays(
  addon: Addon,
  options: object,
  placement: Placement,
  canReplay: boolean,
): Promise<Tried[]> {
  const spec = toSpec(options, placement)
  const tried: Tried[] = []
  let truth: Values | undefined
  let plain: Seen | undefined
  let bound = leastBound[placement.precision]
  for (const way of ways) {
    if (way.graph && (!canReplay || !plain)) continue
    try {
      const seen = await withTrainer(addon, { ...spec, ...way }, observe)
      if (way === reference) {
        const exactly = { ...spec, ...reference, precision: 'fp32' }
        truth = placement.precision === 'fp32' ? seen.moments : await withTrainer(addon, exactly, momentsOf)
        bound = Math.max(bound, WORSE * distanceByTensor(seen.moments, truth))
        tried.push({ ...way, milliseconds: seen.milliseconds, distance: null, bound: null, problem: null })
      } else {
        const distance = way.graph
          ? distanceOfMoves(plain!.start, seen.weights, plain!.weights)
          : distanceByTensor(seen.moments, truth!)
        const allowed = way.graph ? GRAPH_BOUND : bound
        tried.push({ ...way, milliseconds: seen.milliseconds, distance, bound: allowed, problem: null })
      }
      if (!way.graph) plain = seen
    } catch (error) {
      // The reference's failure is the caller's: training would meet it too.
      if (way === reference || !(error instanceof ShinsakuError)) throw error
      if (!way.graph) plain = undefined
      tried.push({ ...way, milliseconds: null, distance: null, bound: null, problem: error.message })
    }
  }
  return tried
}

/** Whether its results are the reference's, within what its precision allows. */
export const agrees = ({ distance, bound, problem }: Tried): boolean =>
  problem === null && (distance === null || distance <= bound!)

/** The fastest of those that agree. */
export function fastestOf(tried: readonly Tried[]): Way {
  const [best] = tried.filter(agrees).sort((a, b) => a.milliseconds! - b.milliseconds!)
  return best ? { ops: best.ops, graph: best.graph } : reference
}

export const nameOf = ({ ops, graph }: Way): string => (graph ? `${ops} in a graph` : ops)

/** One line for each way that was tried. */
export function tellWays(tried: readonly Tried[]): string[] {
  return tried.map((way) => {
    const name = nameOf(way)
    if (way.problem !== null) return `${name}: ${way.problem}`
    const time = `${way.milliseconds!.toFixed(2)} ms an update`
    if (way.distance === null) return `${name}: ${time}`
    const differs = `differs by ${way.distance.toExponential(1)}`
    return `${name}: ${time}, ${differs}${agrees(way) ? '' : `, more than ${way.bound!.toExponential(0)}: not used`}`
  })
}
