/** What options and their values were named in older versions: such a name is answered with the new one, and a stored run means what it meant. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { givenTrainOptions } from '../../../lib/cli/config.ts'
import { describe as describeRun, train } from '../../../lib/index.ts'
import { toFlag } from '../../../lib/options/option-spec.ts'
import { translateStored } from '../../../lib/options/renamed.ts'
import { resolveSample, resolveTrain } from '../../../lib/options/resolve.ts'
import { shinsaku } from '../../helpers/cli.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { errorOf } from '../../helpers/runs.ts'

/** Old name, a value it was given, new name. */
const ofTraining = [
  ['allow', ['lr'], 'allowChanges'],
  ['broken', 'fail', 'onUnreadable'],
  ['clip', 1, 'clipGradNorm'],
  ['keep', 5, 'keepCheckpoints'],
  ['lanes', 2, 'loaderWorkers'],
  ['preset', 'chainer', 'variant'],
  ['rollback', 0, 'maxRollbacks'],
  ['snapshotImages', 1000, 'checkpointImages'],
  ['snapshotTime', '5m', 'checkpointTime'],
  ['unet', '2022', 'variant'],
] as const

const problemsOf = async (work: () => unknown) => {
  const error = await errorOf(Promise.resolve().then(work))
  expect(error).toMatchObject({ code: 'OPTION_INVALID' })
  return error.details.problems
}

const configOf = (content: unknown) => {
  const path = join(temporaryFolder(), 'options.json')
  writeFileSync(path, JSON.stringify(content))
  return path
}

describe.each(ofTraining)('%s %j', (old, value, name) => {
  const given = { [old]: value }
  const answer = [{ path: old, message: `is named "${name}" now` }]

  test('is refused with the new name by train and describe', async () => {
    expect(await problemsOf(() => train(given as never))).toEqual(answer)
    expect(await problemsOf(() => describeRun(given as never))).toEqual(answer)
  })

  test('and in allowChanges', () =>
    expect(problemsOf(() => resolveTrain({ allowChanges: [old] }))).resolves.toEqual([
      { path: 'allowChanges', message: `"${old}" is named "${name}" now` },
    ]))

  test('and as a flag, and in a --config file', async () => {
    const flag = `--${toFlag(old)}`
    for (const args of [[flag, String(value)], [`${flag}=${value}`]]) {
      for (const command of [['train'], ['describe'], ['import', 'none.pt']]) {
        const { code, stdout, stderr } = await shinsaku(...command, ...args)
        expect({ code, stdout }, command[0]).toEqual({ code: 2, stdout: '' })
        expect(stderr, command[0]).toBe(
          `error [OPTION_INVALID] One option is wrong:\n  ${flag}: is named --${toFlag(name)} now\n`,
        )
      }
    }
    const { code, stderr } = await shinsaku('train', '--config', configOf(given))
    expect([code, stderr]).toEqual([
      2,
      `error [OPTION_INVALID] One option is wrong:\n  ${old}: is named "${name}" now\n`,
    ])
  })

  test("but a run's config.json, which an older version may have written, means what it meant", async () => {
    const options = { model: old === 'preset' ? 'dcgan' : 'diffusion', ...given }
    const read = await givenTrainOptions([], { config: configOf({ format: 1, shinsaku: '0.1.0', options }) })
    expect(read).toEqual({ holdout: 0, model: options.model, [name]: value === '2022' ? '0.26' : value })
    expect(() => resolveTrain(read)).not.toThrow()
  })
})

describe('sampling: bn', () => {
  test('is refused with the new name', () =>
    expect(
      problemsOf(() => resolveSample({ bn: 'batch' } as never, resolveTrain({ model: 'dcgan' }))),
    ).resolves.toEqual([{ path: 'bn', message: 'is named "batchNorm" now' }]))

  test('and as a flag', async () => {
    const { code, stderr } = await shinsaku('sample', 'run', '--bn', 'batch')
    expect(code).toBe(2)
    expect(stderr).toContain('--bn: is named --batch-norm now')
  })
})

describe('the value "2022" of variant', () => {
  test('is refused with the new one, as an option and as a flag', async () => {
    const [problem] = (await problemsOf(() => train({ variant: '2022' as never }))) as { message: string }[]
    expect(problem!.message).toContain('but got "2022", which is named "0.26" now')
    const { code, stderr } = await shinsaku('train', '--variant', '2022')
    expect(code).toBe(2)
    expect(stderr).toContain('which is named "0.26" now')
  })
})

test('a flag of another command is only unknown', async () => {
  const { code, stderr } = await shinsaku('sample', 'run', '--lanes', '2')
  expect(code).toBe(2)
  expect(stderr).toContain('--lanes: is not an option\n')
  expect(stderr).not.toContain('--loader-workers')
})

describe('options as an older version stored them', () => {
  test('take the names and values of this one; others stay', () => {
    expect(translateStored({ unet: '2022', lanes: 2, lr: 0.5, objective: '2022' })).toMatchObject({
      variant: '0.26',
      loaderWorkers: 2,
      lr: 0.5,
      objective: '2022',
    })
    expect(translateStored({ model: 'dcgan', preset: 'chainer' })).toMatchObject({ model: 'dcgan', variant: 'chainer' })
  })

  test('what was allowed to change is an option of this version, too', () => {
    const translated = translateStored({ model: 'diffusion', allow: ['clip', 'lr', 'unet', 'data'] })
    expect(translated.allowChanges).toEqual(['clipGradNorm', 'lr', 'variant', 'data'])
    expect(translateStored({ model: 'dcgan', allow: ['previewSteps'] }).allowChanges).toBe(null)
    expect(translateStored({ allow: null }).allowChanges).toBe(null)
  })

  test('a DCGAN loses the preview steps it never took', () => {
    expect(translateStored({ model: 'dcgan', previewSteps: 20 })).not.toHaveProperty('previewSteps')
    expect(translateStored({ model: 'diffusion', previewSteps: 20 }).previewSteps).toBe(20)
  })

  test('pictures were never held out before there was an option for it', () => {
    expect(translateStored({ model: 'dcgan' }).holdout).toBe(0)
    expect(translateStored({ model: 'dcgan', holdout: 'auto' }).holdout).toBe('auto')
  })

  test('what this version stores is left as it is', () => {
    for (const given of [
      {},
      { model: 'dcgan' },
      { variant: '0.26', allowChanges: ['clipGradNorm', 'data'] },
    ] as const) {
      const options = resolveTrain(given as never)
      expect(translateStored(options as never)).toEqual(options)
    }
  })
})
