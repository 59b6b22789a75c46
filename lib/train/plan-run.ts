/** The options of a new run: as they are, or, of one that is bound in time, completed for its pictures and this machine. */
import { placeKnown } from '../backend/select.ts'
import { pictureSide } from '../data/picture-side.ts'
import { loadNative } from '../native/load.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions, ResolvedTrainOptions } from '../options/types.ts'
import type { Hooks } from './open-trainer.ts'
import { measureRate } from './probe.ts'
import { planTime, requireOneLength } from './time-plan.ts'

/** Of the time, what measuring one network may take, within limits. */
const PROBE_SHARE = 0.01
const PROBE_SECONDS = { least: 0.2, most: 3 }

export type RunPlan = { options: ResolvedTrainOptions; lines: readonly string[] }

/** `asked` is `given`, complete. Rejects with OPTION_INVALID, DATA_NOT_FOUND. */
export async function planRun(
  given: AnyTrainOptions,
  asked: ResolvedTrainOptions,
  { onLog, onPhase, begunAt, now = () => performance.now() }: Pick<Hooks, 'onLog' | 'onPhase' | 'begunAt' | 'now'>,
): Promise<RunPlan> {
  requireOneLength(given)
  if (asked.time === null) return { options: asked, lines: [] }
  const side = await pictureSide(asked.data)
  const native = await loadNative(onLog)
  const seconds = Math.min(Math.max(asked.time * PROBE_SHARE, PROBE_SECONDS.least), PROBE_SECONDS.most)
  const measure = async (options: ResolvedTrainOptions): Promise<number | undefined> => {
    onPhase({ phase: 'measure', done: 0, total: 1 })
    const placement = await placeKnown(native, options)
    return (await measureRate(native.addon, options, placement, seconds, now))?.imagesPerSecond
  }
  const spent = () => (now() - begunAt) / 1000
  const { options, lines } = await planTime(given, asked, { measure, pictureSide: side, spent })
  return { options: resolveTrain(options), lines }
}
