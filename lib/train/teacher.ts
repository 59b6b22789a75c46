/** The model that a run is distilled from: what its run says of it, and its weights in a new trainer. */
import { isDeepStrictEqual } from 'node:util'
import { checkpointAt } from '../checkpoint/find.ts'
import { readWeights } from '../checkpoint/read.ts'
import { modelFile } from '../checkpoint/records.ts'
import { averaged, isNetworkWeight, isSamplingWeight, taught, weightNames } from '../checkpoint/state-names.ts'
import { type Problem, ShinsakuError, throwIfAny } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import type { NativeTrainer } from '../native/addon.ts'
import { isLabelSet } from '../options/labels.ts'
import { FINEST_STEPS, type Teacher } from '../options/teacher.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { type At, locateTrained, trainedOptions } from '../run/trained.ts'
import { autoWeights } from '../sampling/weights.ts'

/** What a student has from its teacher, so that one's noise is the other's. */
const shared = ['size', 'channels', 'variant', 'dimMults', 'schedule', 'timesteps'] as const

const attributesOf = (labels: unknown) => (isLabelSet(labels) ? labels.attributes : null)

/** What is wrong with `teacher` for a student of these options. */
function teacherProblems(student: ResolvedTrainOptions, teacher: ResolvedTrainOptions): Problem[] {
  if (teacher.model !== 'diffusion')
    return [{ path: 'teacher', message: `must be of kind "diffusion", but is of kind "${teacher.model}"` }]
  const problems: Problem[] = shared
    .filter((name) => !isDeepStrictEqual(student[name], teacher[name]))
    .map((path) => ({
      path,
      message: `must be ${JSON.stringify(teacher[path])} as its teacher's, but is ${JSON.stringify(student[path])}`,
    }))
  if (isLabelSet(student.labels) && !isDeepStrictEqual(attributesOf(student.labels), attributesOf(teacher.labels)))
    problems.push({ path: 'labels', message: "must be its teacher's" })
  if (teacher.selfCondition)
    problems.push({ path: 'teacher', message: 'was trained with selfCondition, which cannot be distilled' })
  const steps = teacher.distilSteps ?? FINEST_STEPS
  if (steps <= (student.distilSteps ?? 0))
    problems.push({
      path: 'distilSteps',
      message: `must be below the ${steps} steps of its teacher, but is ${student.distilSteps}`,
    })
  return problems
}

/** What the run of a teacher says of it. Rejects as `load()` does, and with OPTION_INVALID where it cannot teach `student`. */
export async function readTeacher(
  path: string,
  student: ResolvedTrainOptions,
  at: At = 'newest',
  asked: 'auto' | Teacher['weights'] = 'auto',
): Promise<Teacher> {
  const { run, manifest } = await locateTrained(path, at)
  const options = await trainedOptions(run)
  throwIfAny(teacherProblems(student, options))
  if (options.model !== 'diffusion') throw new TypeError('only a diffusion model has no problems')
  if (asked === 'ema' && options.emaDecay === null)
    throwIfAny([{ path: 'weights', message: '"ema" is not in this model, which keeps no average of them' }])
  const { images, files } = manifest
  const usual = autoWeights(options, images, definitionOf(options.model).imagesPerUpdate(options))
  const { dim, objective, distilSteps: steps } = options
  const weights = asked === 'auto' ? usual : asked
  return { run, images, digest: files[modelFile].sha256, weights, steps, dim, objective }
}

/** The teacher of these options as it is found, where it is only named. Rejects as readTeacher() does. */
export async function findTeacher(options: ResolvedTrainOptions): Promise<{ teacher?: Teacher }> {
  const { teacher } = options
  return typeof teacher === 'string' ? { teacher: await readTeacher(teacher, options) } : {}
}

/**
 * Gives a new trainer its teacher, and as first weights those of the teacher, where they are of one size. Resolves with a
 * line for the log. Rejects with RUN_NOT_FOUND, CHECKPOINT_INVALID, CHECKPOINT_MISMATCH.
 */
export async function loadTeacher(trainer: NativeTrainer, teacher: Teacher): Promise<string> {
  const { run, images, digest, weights } = teacher
  const { folder, manifest } = await checkpointAt(run, images, 'weights')
  if (manifest.files[modelFile].sha256 !== digest)
    throw new ShinsakuError('CHECKPOINT_MISMATCH', `${folder} is not the checkpoint that this run was to learn from`)
  const { model, close } = await readWeights(folder, manifest)
  try {
    const own = new Map((await trainer.tensors()).map((info) => [info.name, info]))
    const infos = new Map(model.tensors.map((info) => [info.name, info]))
    const names = weightNames([...infos.keys()].filter(isSamplingWeight), weights).filter(({ name }) =>
      isNetworkWeight(name),
    )
    const fits = names.every(({ stored, name }) => isDeepStrictEqual(own.get(name)?.shape, infos.get(stored)!.shape))
    const missing = new Set([...own.keys()].filter((name) => name.startsWith(taught(''))))
    for (const { stored, name } of names) {
      const info = { ...infos.get(stored)!, bytes: await model.read(stored) }
      await trainer.load([{ ...info, name: taught(name) }], 'same')
      missing.delete(taught(name))
      if (!fits) continue
      await trainer.load([{ ...info, name }], 'same')
      if (own.has(averaged(name))) await trainer.load([{ ...info, name: averaged(name) }], 'same')
    }
    if (missing.size > 0)
      throw new ShinsakuError(
        'CHECKPOINT_MISMATCH',
        `${folder} lacks weights of its network, such as ${[...missing][0]}`,
      )
    const begin = fits ? 'begins with its weights' : 'begins with weights of its own, because its network is another'
    return `Learns from ${run} after ${images} images (${weights} weights, ${teacher.steps ?? `${FINEST_STEPS} DDIM`} steps), and ${begin}`
  } finally {
    await close()
  }
}
