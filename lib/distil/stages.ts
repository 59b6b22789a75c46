/** The stages of a distillation: how many there are, how each is trained, and which are done already. */
import { resolve } from 'node:path'
import { newestValidCheckpoint } from '../checkpoint/find.ts'
import { type Problem, ShinsakuError, throwIfAny } from '../errors.ts'
import type { ResolvedDistilOptions } from '../options/distil.ts'
import { type DistilledSteps, distilledSteps, FINEST_STEPS, isTeacher, type Teacher } from '../options/teacher.ts'
import type { AnyTrainOptions, ResolvedTrainOptions } from '../options/types.ts'
import { findRuns, readConfig, runNameOf } from '../run/directory.ts'
import { locateTrained, trainedOptions } from '../run/trained.ts'
import { readTeacher } from '../train/teacher.ts'

/** What each stage needs to know of the run that is distilled. */
export type Origin = { run: string; images: number; options: ResolvedTrainOptions }

/** Rejects as `load()` does, and with OPTION_INVALID for a run that cannot be distilled to so many steps. */
export async function readOrigin(path: string, { steps, at }: ResolvedDistilOptions): Promise<Origin> {
  const { run, manifest } = await locateTrained(path, at)
  const options = await trainedOptions(run)
  const problems: Problem[] = []
  if (options.model !== 'diffusion')
    problems.push({ path: 'run', message: `must be of kind "diffusion", but is of kind "${options.model}"` })
  else if (options.selfCondition)
    problems.push({ path: 'run', message: 'was trained with selfCondition, which cannot be distilled' })
  else if ((options.distilSteps ?? FINEST_STEPS) <= steps)
    problems.push({ path: 'steps', message: `must be below the ${options.distilSteps} steps that ${run} takes` })
  throwIfAny(problems)
  return { run: resolve(run), images: manifest.images, options }
}

/** Steps of each stage, falling. */
export const stagesOf = ({ options }: Origin, { steps }: ResolvedDistilOptions): DistilledSteps[] =>
  distilledSteps.filter((one) => one >= steps && one < (options.distilSteps ?? FINEST_STEPS))

/** Share of the images of the run that each stage takes. */
const SHARE = 0.25

/** Options that a stage has from its origin: the network, its pictures, and how fast it learns. */
const kept = [
  'size',
  'channels',
  'variant',
  'dimMults',
  'schedule',
  'timesteps',
  'labels',
  'flip',
  'background',
  'fit',
  'crop',
  'onUnreadable',
  'duplicates',
  'holdout',
  'maxPixels',
  'betas',
  'clipGradNorm',
  'precision',
  'pixelStore',
] as const

/** How the stage of so many steps is trained, but for its teacher. */
export function stageOptions(
  { images, options: origin }: Origin,
  options: ResolvedDistilOptions,
  steps: DistilledSteps,
): AnyTrainOptions {
  const of = origin as ResolvedTrainOptions & { model: 'diffusion' }
  const { stageImages, dim, batch, lr, data, out, seed, checkpointTime, keepCheckpoints, guard, previews } = options
  const { device, threads } = options
  const one = stageImages ?? Math.max(1, Math.round(images * SHARE))
  const maxImages = steps === 2 ? 2 * one : one
  return {
    model: 'diffusion',
    ...Object.fromEntries(kept.map((name) => [name, of[name]])),
    objective: 'v',
    // Guidance is by the difference that labels make, which a student does not learn.
    labelDropout: 0,
    // The weights at the end of the learning rate's fall are the average.
    emaDecay: null,
    lrSchedule: 'cosine',
    dim: dim ?? of.dim,
    batch: batch ?? of.batch,
    lr: lr ?? of.lr,
    data: data ?? of.data,
    distilSteps: steps,
    maxImages,
    checkpointImages: Math.max(1, Math.round(maxImages / 4)),
    out,
    seed,
    checkpointTime,
    keepCheckpoints,
    guard,
    previews,
    device,
    threads,
  } as AnyTrainOptions
}

/** A stage that is there already, and whether it is complete; undefined where it is not. */
export type Begun = { run: string; done: boolean }

/** The newest stage in `out` of these options that learns from `teacher`. */
export async function findStage(given: AnyTrainOptions, teacher: string): Promise<Begun | undefined> {
  const { out, model, size, data, distilSteps } = given as ResolvedTrainOptions & { model: 'diffusion' }
  for await (const run of findRuns(out, runNameOf({ model, size, data, distilSteps }))) {
    const config = await readConfig(run)
    if (!isTeacher(config.teacher) || resolve(config.teacher.run) !== teacher) continue
    const newest = await newestValidCheckpoint(run, { need: 'weights' }).catch((error: unknown) => {
      if (error instanceof ShinsakuError && error.code === 'RUN_NOT_FOUND') return undefined
      throw error
    })
    return { run, done: newest !== undefined && newest.manifest.images >= (config.maxImages as number) }
  }
  return undefined
}

/** The teacher of the first stage: the checkpoint and the weights that were asked for. */
export const firstTeacher = (
  { run }: Origin,
  stage: ResolvedTrainOptions,
  { at, weights }: ResolvedDistilOptions,
): Promise<Teacher> => readTeacher(run, stage, at, weights)
