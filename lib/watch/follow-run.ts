/** One run as the page follows it: looks at its files again and again, and tells what is new. */
import { type CurvePoint, type CurveSeries, Curves } from '../run/curves.ts'
import { logTail, MetricsFollower, stampOf } from '../run/follow.ts'
import { DatasetMemory, detailFiles, type RunDetails, readDetails } from './details.ts'

/** Lines of the log that are shown. */
const MAX_LOG_LINES = 500
/** Points that are sent one by one; of more, the whole curves are sent anew. */
const MAX_NEW_POINTS = 5000

export type RunNews =
  | { event: 'details'; data: RunDetails }
  | { event: 'curves'; data: { name: string; series: CurveSeries[]; warnedAt: number | null } }
  | { event: 'points'; data: { name: string; points: CurvePoint[]; warnedAt: number | null } }
  | { event: 'log'; data: { name: string; lines: string[] } }

export class FollowedRun {
  readonly name: string
  readonly #run: string
  readonly #metrics: MetricsFollower
  readonly #dataset = new DatasetMemory()
  #curves = new Curves()
  #warnedAt: number | null = null
  #details: { stamp: string; json: string; shown: RunDetails } | undefined
  #log: { stamp: string; lines: string[] } | undefined

  constructor(name: string, run: string) {
    this.name = name
    this.#run = run
    this.#metrics = new MetricsFollower(run)
  }

  /** What has changed since the last look. Rejects with FILE_FAILED where a file cannot be read. */
  async look(): Promise<RunNews[]> {
    return [...(await this.#lookAtDetails()), ...(await this.#lookAtMetrics()), ...(await this.#lookAtLog())]
  }

  /** All there is to show now, for a page that comes new. */
  get all(): RunNews[] {
    const news: RunNews[] = [this.#whole()]
    if (this.#details) news.unshift({ event: 'details', data: this.#details.shown })
    if (this.#log) news.push({ event: 'log', data: { name: this.name, lines: this.#log.lines } })
    return news
  }

  #whole(): RunNews {
    return {
      event: 'curves',
      data: { name: this.name, series: this.#curves.series, warnedAt: this.#warnedAt },
    }
  }

  async #lookAtDetails(): Promise<RunNews[]> {
    const stamp = await stampOf(this.#run, detailFiles)
    // A kill leaves no trace in these files, so whether it trains is looked at each time that something else is new.
    if (this.#details?.stamp === stamp) return []
    const shown = await readDetails(this.#run, this.#dataset)
    const json = JSON.stringify(shown)
    const known = this.#details?.json === json
    this.#details = { stamp, json, shown }
    return known ? [] : [{ event: 'details', data: shown }]
  }

  async #lookAtMetrics(): Promise<RunNews[]> {
    const { anew, points, warnedAt } = await this.#metrics.read()
    if (anew) {
      this.#curves = new Curves()
      this.#warnedAt = null
    }
    this.#warnedAt ??= warnedAt
    for (const point of points) this.#curves.add(point)
    if (anew || points.length > MAX_NEW_POINTS) return [this.#whole()]
    if (points.length === 0) return []
    return [{ event: 'points', data: { name: this.name, points, warnedAt: this.#warnedAt } }]
  }

  async #lookAtLog(): Promise<RunNews[]> {
    const stamp = await stampOf(this.#run, ['log.txt'])
    if (this.#log?.stamp === stamp) return []
    this.#log = { stamp, lines: await logTail(this.#run, MAX_LOG_LINES) }
    return [{ event: 'log', data: { name: this.name, lines: this.#log.lines } }]
  }
}
