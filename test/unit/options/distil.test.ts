/** Options of distilled runs: what must be given together, what a student cannot do, and the one way in which it samples. */
import { expect, test } from 'vitest'
import { toSpec } from '../../../lib/backend/placement.ts'
import type { Problem } from '../../../lib/errors.ts'
import { resolveSample, resolveTrain } from '../../../lib/options/resolve.ts'
import type { Teacher } from '../../../lib/options/teacher.ts'
import type { AnyTrainOptions, SampleOptions } from '../../../lib/options/types.ts'
import { flagText } from '../../../lib/options/value-kind.ts'
import { runNameOf } from '../../../lib/run/names.ts'

const teacher: Teacher = {
  run: '/runs/00000-diffusion-32-icons',
  images: 100,
  digest: 'abc',
  weights: 'ema',
  steps: null,
  dim: 64,
  objective: 'noise',
}

const pathsOf = (resolve: () => unknown): string[] => {
  try {
    resolve()
    return []
  } catch (error) {
    return (error as { details: { problems: Problem[] } }).details.problems.map(({ path }) => path)
  }
}

const wrong: [string, AnyTrainOptions, string[]][] = [
  ['steps without a teacher', { distilSteps: 4 }, ['teacher']],
  ['a teacher without steps', { teacher: 'runs/x' }, ['distilSteps']],
  ['steps that no stage has', { teacher, distilSteps: 3 as 4 }, ['distilSteps']],
  ['a record of half a teacher', { teacher: { run: 'x' } as Teacher, distilSteps: 4 }, ['teacher']],
  ['another objective', { teacher, distilSteps: 4, objective: 'noise' }, ['objective']],
  ['what a student does not see', { teacher, distilSteps: 4, augment: 0.1, dropout: 0.1 }, ['augment', 'dropout']],
  ['a run bound in time', { teacher, distilSteps: 4, time: '1m' }, ['time']],
  ['too few time steps', { teacher, distilSteps: 4, timesteps: 32 }, ['timesteps']],
  ['another kind of model', { model: 'dcgan', distilSteps: 4 }, ['distilSteps']],
]

test.each(wrong)('%s is refused by name', (_, options, paths) => {
  expect(pathsOf(() => resolveTrain(options))).toEqual(paths)
})

test('a distilled model samples in its own steps, which are the usual ones', () => {
  const trained = resolveTrain({ teacher, distilSteps: 4 })
  expect(resolveSample({}, trained)).toMatchObject({ sampler: 'ddim', steps: 4, eta: 0 })
  const other: [SampleOptions, string][] = [
    [{ steps: 8 }, 'steps'],
    [{ sampler: 'unipc' }, 'sampler'],
    [{ eta: 0.5 }, 'eta'],
    [{ guidance: 2 }, 'guidance'],
  ]
  for (const [options, path] of other) expect(pathsOf(() => resolveSample(options, trained))).toEqual([path])
})

test('the native part is told of the teacher what it computes with, and flags show its run', () => {
  const spec = toSpec(resolveTrain({ teacher, distilSteps: 4 }))
  expect(spec).toMatchObject({ distilSteps: 4, teacherSteps: 64, teacherDim: 64, teacherObjective: 'noise' })
  expect(toSpec(resolveTrain({ teacher: { ...teacher, steps: 8 }, distilSteps: 4 })).teacherSteps).toBe(8)
  expect(flagText(teacher)).toBe(teacher.run)
})

test('a distilled run has a name of its own', () => {
  const common = { model: 'diffusion', size: 32, data: 'builtin:icons' }
  expect(runNameOf({ ...common, distilSteps: 4 })).toBe('diffusion-32-icons-4-steps')
  expect(runNameOf({ ...common, distilSteps: null })).toBe('diffusion-32-icons')
})
