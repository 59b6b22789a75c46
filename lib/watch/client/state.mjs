/** What the page knows: what the server has sent, and what the address says is shown. */

/** @import { CurvePoint, CurveSeries } from '../../run/curves.ts' */
/** @import { RunDetails } from '../details.ts' */
/** @import { ListedRun } from '../runs.ts' */
/** @import { QueueEntry } from '../../queue/queue.ts' */

/** @typedef {{ series: Map<string, CurveSeries>, warnedAt: number | null }} RunCurves */

export const known = {
  /** @type {ListedRun[]} */
  runs: [],
  /** @type {QueueEntry[]} */
  queue: [],
  /** @type {Map<string, RunDetails>} */
  details: new Map(),
  /** @type {Map<string, RunCurves>} */
  curves: new Map(),
  /** @type {Map<string, string[]>} */
  logs: new Map(),
}

/** The run that is shown and the one that is laid over it, as the address says: `#run=NAME&with=NAME`. */
export function shownRuns() {
  const asked = new URLSearchParams(location.hash.slice(1))
  const run = asked.get('run') ?? known.runs[0]?.name ?? null
  const other = asked.get('with')
  return { run, other: other === run ? null : other }
}

/**
 * @param {string} run
 * @param {string | null} other
 */
export const hashOf = (run, other) => `#${new URLSearchParams(other === null ? { run } : { run, with: other })}`

/** Points of a series on the page; it is halved where it becomes longer. */
const MAX_SHOWN = 4000

/** @param {CurveSeries} series */
function halve({ images, values }) {
  const half = images.length >> 1
  for (let i = 0; i < half; i++) {
    images[i] = images[2 * i + 1] ?? 0
    values[i] = ((values[2 * i] ?? 0) + (values[2 * i + 1] ?? 0)) / 2
  }
  images.length = half
  values.length = half
}

/** @param {Pick<CurveSeries, 'kind' | 'name'>} series */
const keyOf = ({ kind, name }) => `${kind} ${name}`

/** @param {{ name: string, series: CurveSeries[], warnedAt: number | null }} whole */
export function setCurves({ name, series, warnedAt }) {
  known.curves.set(name, { warnedAt, series: new Map(series.map((one) => [keyOf(one), one])) })
}

/** @param {{ name: string, points: CurvePoint[], warnedAt: number | null }} gained */
export function addPoints({ name, points, warnedAt }) {
  const curves = known.curves.get(name) ?? { series: new Map(), warnedAt }
  known.curves.set(name, curves)
  curves.warnedAt = warnedAt
  for (const point of points) {
    const key = keyOf(point)
    const series = curves.series.get(key) ?? { kind: point.kind, name: point.name, images: [], values: [] }
    curves.series.set(key, series)
    series.images.push(point.images)
    series.values.push(point.value)
    if (series.images.length > MAX_SHOWN) halve(series)
  }
}
