/** The curves of a run's metrics.jsonl: its losses, and what the copy guard saw. */
import { join } from 'node:path'
import { ShinsakuError } from '../../errors.ts'
import { linesIn, readLines } from '../../run/metrics.ts'
import type { Series } from './chart.ts'
import type { ReportContent } from './content.ts'

type Line = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Line => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A line of the file; what is none has nothing in it. */
function parse(bytes: Uint8Array): Line {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** Series in the order in which they first come. */
class Curves {
  readonly #points = new Map<string, [number, number][]>()

  add(name: string, at: number, value: unknown): void {
    if (typeof value !== 'number') return
    const points = this.#points.get(name) ?? []
    points.push([at, value])
    this.#points.set(name, points)
  }

  get series(): Series[] {
    return [...this.#points].map(([name, points]) => ({ name, points }))
  }
}

const centre = (share: unknown): unknown => (isObject(share) ? share.value : share)

/** The curves up to `images`, and the seconds of training until then; none where there is no such file. */
export async function curvesOf(
  run: string,
  images: number,
): Promise<{ curves: ReportContent['curves']; seconds: number | null }> {
  const bytes = await readLines(join(run, 'metrics.jsonl')).catch((error) => {
    if (error instanceof ShinsakuError && error.code === 'FILE_FAILED') return new Uint8Array()
    throw error
  })
  const [loss, gaps, copies] = [new Curves(), new Curves(), new Curves()]
  let seconds: number | null = null
  for (const { begin, end } of linesIn(bytes)) {
    const line = parse(bytes.subarray(begin, end))
    const at = line.images
    if (typeof at !== 'number' || at > images) continue
    if (typeof line.elapsedSeconds === 'number') seconds = line.elapsedSeconds
    for (const [name, value] of Object.entries(line)) if (name.startsWith('loss')) loss.add(name, at, value)
    if (!isObject(line.guard)) continue
    const { gaps: found, copyShare, copyShareHeldOut } = line.guard
    for (const gap of Array.isArray(found) ? found : [])
      if (isObject(gap) && typeof gap.name === 'string') gaps.add(gap.name, at, gap.value)
    copies.add('samples', at, centre(copyShare))
    copies.add('held-out pictures', at, centre(copyShareHeldOut))
  }
  return { curves: { loss: loss.series, heldOut: gaps.series, copies: copies.series }, seconds }
}
