/** The curves of a run's metrics.jsonl that a report shows: its losses, and what the copy guard saw. */

import { join } from 'node:path'
import { ShinsakuError } from '../../errors.ts'
import { type CurveKind, metricsIn, pointsOf } from '../../run/curves.ts'
import { readLines } from '../../run/metrics.ts'
import type { Series } from './chart.ts'
import type { ReportContent } from './content.ts'

/** Series in the order in which they first come. */
class SeriesByName {
  readonly #points = new Map<string, [number, number][]>()

  add(name: string, at: number, value: number): void {
    const points = this.#points.get(name) ?? []
    points.push([at, value])
    this.#points.set(name, points)
  }

  get series(): Series[] {
    return [...this.#points].map(([name, points]) => ({ name, points }))
  }
}

/** The curves up to `images`, and the seconds of training until then; none where there is no such file. */
export async function curvesOf(
  run: string,
  images: number,
): Promise<{ curves: ReportContent['curves']; seconds: number | null }> {
  const bytes = await readLines(join(run, 'metrics.jsonl')).catch((error) => {
    if (error instanceof ShinsakuError && error.code === 'FILE_FAILED') return new Uint8Array()
    throw error
  })
  const [loss, heldOut, copies] = [new SeriesByName(), new SeriesByName(), new SeriesByName()]
  const shown: Partial<Record<CurveKind, SeriesByName>> = { loss, heldOut, copies }
  let seconds: number | null = null
  for (const { images: at, line } of metricsIn(bytes)) {
    if (at > images) continue
    if (typeof line.elapsedSeconds === 'number') seconds = line.elapsedSeconds
    for (const { kind, name, value } of pointsOf(at, line)) shown[kind]?.add(name, at, value)
  }
  return { curves: { loss: loss.series, heldOut: heldOut.series, copies: copies.series }, seconds }
}
