/** The course of a distillation: what is done already, then each stage in its turn, taught by the one before. */

import { abortError } from '../errors.ts'
import { distilSpecs } from '../options/distil.ts'
import { withAbsolutePaths } from '../options/paths.ts'
import { resolveOnly, resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions, TrainOptions } from '../options/types.ts'
import type { Model } from '../sampling/model.ts'
import { openModel } from '../sampling/open.ts'
import { type TrainCall, TrainingRun } from '../train/run.ts'
import type { Status } from '../train/status.ts'
import type { DistilCall, DistilStatus } from './call.ts'
import { type Begun, findStage, firstTeacher, readOrigin, stageOptions, stagesOf } from './stages.ts'

type Course = {
  /** Aborts where the stage under way is to end early. */
  stop: AbortSignal
  onFolder(folder: string): void
  onStatus(status: DistilStatus): void
}

/** What a stage that goes on may be given again: it keeps the rest as it was. */
const onResume = (run: string, { data, device, threads }: AnyTrainOptions): AnyTrainOptions =>
  ({ resume: run, data, device, threads }) as AnyTrainOptions

/** Trains one stage to its end, or to `stop`. */
async function runStage(
  options: AnyTrainOptions,
  hooks: Pick<TrainCall, 'signal' | 'onLog' | 'onPhase'>,
  { stop, onFolder }: Course,
  onStatus: (status: Status) => void,
): Promise<{ model: Model; folder: string }> {
  const run = new TrainingRun({ ...(options as TrainOptions), ...hooks })
  const end = () => void run.stop().catch(() => {})
  stop.addEventListener('abort', end, { once: true })
  try {
    let known = false
    for await (const status of run) {
      if (!known && run.folder !== undefined) onFolder(run.folder)
      known ||= run.folder !== undefined
      onStatus(status)
    }
    const model = await run
    if (!known) onFolder(run.folder!)
    return { model, folder: run.folder! }
  } finally {
    stop.removeEventListener('abort', end)
  }
}

export async function runStages(
  path: string,
  { signal, onLog, onPhase, ...given }: DistilCall,
  from: string | undefined,
  course: Course,
): Promise<Model> {
  const options = withAbsolutePaths(resolveOnly(distilSpecs, given), from)
  if (signal?.aborted) throw abortError(signal, 'Distilling')
  const origin = await readOrigin(path, options)
  const stages = stagesOf(origin, options)
  const hooks = { ...(signal && { signal }), ...(onLog && { onLog }), ...(onPhase && { onPhase }) }
  let teacher = origin.run
  let model: Model | undefined
  for (const [index, steps] of stages.entries()) {
    const own = stageOptions(origin, options, steps)
    const begun: Begun | undefined = options.resume ? await findStage(own, teacher) : undefined
    if (begun?.done) {
      onLog?.(`${steps} steps: done before, in ${begun.run}`)
      course.onFolder(begun.run)
      teacher = begun.run
      continue
    }
    model?.dispose()
    const taught = { ...own, teacher } as AnyTrainOptions
    // Of the run that is distilled it may be another checkpoint than the newest.
    const named = index === 0 ? { teacher: await firstTeacher(origin, resolveTrain(taught), options) } : {}
    onLog?.(`${steps} steps: stage ${index + 1} of ${stages.length}`)
    const stage = await runStage(begun ? onResume(begun.run, own) : { ...taught, ...named }, hooks, course, (status) =>
      course.onStatus({ ...status, steps, stage: index + 1, stages: stages.length }),
    )
    model = stage.model
    teacher = stage.folder
    if (course.stop.aborted) break
  }
  return model ?? openModel(teacher, { device: options.device, threads: options.threads })
}
