/** The curves of a run: which values of a line of metrics.jsonl belong to which, and series that stay short however long the file is. */
import { linesIn } from './metrics.ts'

/**
 * What a curve is about. `heldOut` is the loss on held-out pictures minus that on training pictures, `copies` a share
 * between 0 and 1, `memory` bytes; `other` is what a kind of model measures beside its losses.
 */
export const curveKinds = ['loss', 'heldOut', 'copies', 'speed', 'memory', 'other'] as const
export type CurveKind = (typeof curveKinds)[number]

/** One value and where it belongs. */
export type CurvePoint = { kind: CurveKind; name: string; images: number; value: number }

export type MetricsLine = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is MetricsLine =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A line of the file; what is none has nothing in it. */
function parse(bytes: Uint8Array): MetricsLine {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** Every whole line that is one of metrics, with its images. */
export function* metricsIn(bytes: Uint8Array): Generator<{ images: number; line: MetricsLine }> {
  for (const { begin, end, whole } of linesIn(bytes)) {
    if (!whole) return
    const line = parse(bytes.subarray(begin, end))
    if (typeof line.images === 'number') yield { images: line.images, line }
  }
}

/** Whether the copy guard warned in this line. */
export const isWarning = ({ guard }: MetricsLine): boolean =>
  isObject(guard) && Array.isArray(guard.warned) && guard.warned.length > 0

const centre = (share: unknown): unknown => (isObject(share) ? share.value : share)

/** Counters are the axis, or say nothing as a curve. */
const notCurves = new Set(['images', 'updates', 'epoch', 'elapsedSeconds'])
const named: Readonly<Record<string, [CurveKind, string]>> = {
  imagesPerSecond: ['speed', 'images per second'],
  residentBytes: ['memory', 'process'],
}

function* valuesOf(line: MetricsLine): Generator<[CurveKind, string, unknown]> {
  for (const [name, value] of Object.entries(line)) {
    if (notCurves.has(name) || name === 'guard') continue
    const [kind, shown] = named[name] ?? [name.startsWith('loss') ? 'loss' : 'other', name]
    yield [kind, shown, value]
  }
  if (!isObject(line.guard)) return
  const { gaps, copyShare, copyShareHeldOut } = line.guard
  for (const gap of Array.isArray(gaps) ? gaps : []) {
    if (!isObject(gap) || typeof gap.name !== 'string') continue
    yield ['heldOut', gap.name, gap.value]
    if (gap.fake === undefined) continue
    // What a discriminator thinks of all three, side by side.
    yield ['heldOut', `${gap.name}: training pictures`, gap.train]
    yield ['heldOut', `${gap.name}: held-out pictures`, gap.heldOut]
    yield ['heldOut', `${gap.name}: samples`, gap.fake]
  }
  yield ['copies', 'samples', centre(copyShare)]
  yield ['copies', 'held-out pictures', centre(copyShareHeldOut)]
}

/** The values of a line that curves are made of. */
export function pointsOf(images: number, line: MetricsLine): CurvePoint[] {
  const points: CurvePoint[] = []
  for (const [kind, name, value] of valuesOf(line))
    if (typeof value === 'number' && Number.isFinite(value)) points.push({ kind, name, images, value })
  return points
}

/** Points that a series has at most; a screen shows fewer. */
const MAX_POINTS = 2000
/** A hostile file has as many names as it likes. */
const MAX_SERIES = 64

export type CurveSeries = { kind: CurveKind; name: string; images: number[]; values: number[] }

/** A series that halves itself, by means of neighbours, where it would become too long. */
class Series {
  readonly images: number[] = []
  readonly values: number[] = []
  /** Points of the file that one point of the series stands for, and those since the last. */
  #each = 1
  #count = 0
  #sum = 0

  add(images: number, value: number): void {
    this.#count += 1
    this.#sum += value
    if (this.#count < this.#each) return
    this.images.push(images)
    this.values.push(this.#sum / this.#count)
    this.#count = 0
    this.#sum = 0
    if (this.images.length < MAX_POINTS) return
    const half = this.images.length >> 1
    for (let i = 0; i < half; i++) {
      this.images[i] = this.images[2 * i + 1]!
      this.values[i] = (this.values[2 * i]! + this.values[2 * i + 1]!) / 2
    }
    this.images.length = half
    this.values.length = half
    this.#each *= 2
  }
}

/** The curves of one run, in the order in which they first came. */
export class Curves {
  readonly #series = new Map<string, Series & { kind: CurveKind; name: string }>()

  add({ kind, name, images, value }: CurvePoint): void {
    const key = `${kind} ${name}`
    let series = this.#series.get(key)
    if (!series) {
      if (this.#series.size >= MAX_SERIES) return
      series = Object.assign(new Series(), { kind, name })
      this.#series.set(key, series)
    }
    series.add(images, value)
  }

  get series(): CurveSeries[] {
    return [...this.#series.values()].map(({ kind, name, images, values }) => ({
      kind,
      name,
      images: [...images],
      values: [...values],
    }))
  }
}
