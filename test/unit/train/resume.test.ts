/** Which run is gone on with, and what may differ from the options and pictures it was started with. */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import { createRunDirectory, runName } from '../../../lib/run/directory.ts'
import { findResumed } from '../../../lib/train/resume-options.ts'
import { comparePictures, describeFiles } from '../../../lib/train/resume-pictures.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const started: AnyTrainOptions = { data: 'icons', size: 16, batch: 4, lr: 0.001, maxTime: '20m' }

/** A run folder as training leaves it, without its checkpoints. */
async function makeRun(out: string, given: AnyTrainOptions = started): Promise<string> {
  const options = resolveTrain({ ...given, out })
  const run = await createRunDirectory(out, runName(options.model, options.size, options.data))
  await run.writeConfig(options)
  await run.close()
  return run.path
}

const resume = (given: AnyTrainOptions) => findResumed(given, resolveTrain(given))

describe('the run to go on with', () => {
  test('is none unless asked for, and none where there is none of this kind', async () => {
    const out = temporaryFolder()
    await makeRun(out)
    expect(await resume({ ...started, out })).toBeUndefined()
    expect(await resume({ ...started, out, size: 32, resume: true })).toBeUndefined()
    expect(await resume({ ...started, out: join(out, 'none'), resume: true })).toBeUndefined()
  })

  test('is the newest of this kind, or the one that is named', async () => {
    const out = temporaryFolder()
    const first = await makeRun(out)
    const second = await makeRun(out)
    await makeRun(out, { ...started, size: 32 })
    expect((await resume({ data: 'icons', size: 16, out, resume: true }))?.run).toBe(second)
    expect((await resume({ resume: first }))?.run).toBe(first)
  })

  test('is never one of another folder that has the same last name, nor of other icons; which one it is is logged', async () => {
    const out = temporaryFolder()
    const runOf = (data: AnyTrainOptions['data']) => makeRun(out, { ...started, data })
    const mine = await runOf('a/icons')
    const theirs = await runOf(resolve('b/icons'))
    const drawn = await runOf('builtin:icons')
    const listed = await runOf(['a/1.png', 'a/2.png'])
    const taken = async (data: NonNullable<AnyTrainOptions['data']>) => {
      const log: string[] = []
      const given = { data, size: 16, out, resume: true } as const
      return [(await findResumed(given, resolveTrain(given), (line) => log.push(line)))?.run, log.join('\n')]
    }
    expect(await taken(resolve('a/icons'))).toEqual([mine, expect.stringMatching(/b\/icons[\s\S]*Going on with/)])
    expect((await taken('./b/icons/'))[0]).toBe(theirs)
    expect((await taken('builtin:icons:158:1'))[0]).toBe(drawn)
    expect((await taken(['b/3.png', 'a/2.png']))[0]).toBe(listed)
    for (const other of ['c/icons', 'builtin:icons:158:2', ['c/1.png']])
      expect(await taken(other)).toEqual([undefined, expect.stringContaining('other data of the same name')])
  })

  test('is RUN_NOT_FOUND for what is no run, with what it is and what is expected', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'a.png'), '')
    for (const [path, text] of [
      [join(folder, 'none'), 'is not there'],
      [folder, 'is a folder without config.json'],
      [join(folder, 'a.png'), 'is a file'],
    ] as const)
      await expect(resume({ resume: path })).rejects.toMatchObject({
        code: 'RUN_NOT_FOUND',
        message: `resume expects a run folder, but ${path} ${text}`,
        hint: expect.stringContaining('shinsaku train PICTURES --resume'),
      })
  })
})

describe('its options', () => {
  test('are those it was started with where nothing else is given', async () => {
    const run = await makeRun(temporaryFolder())
    const options = (await resume({ resume: run, lr: undefined } as unknown as AnyTrainOptions))?.options
    expect(options).toMatchObject({ data: 'icons', size: 16, batch: 4, lr: 0.001, maxTime: 1200, resume: run })
  })

  test('may be given again in another form', async () => {
    const run = await makeRun(temporaryFolder())
    expect((await resume({ ...started, resume: run, maxTime: 1200 }))?.options.lr).toBe(0.001)
    expect((await resume({ resume: run, model: 'diffusion' }))?.options.lr).toBe(0.001)
  })

  test('may differ in how long and how visibly the run goes on', async () => {
    const run = await makeRun(temporaryFolder())
    const free = {
      maxImages: 99,
      maxTime: '1h',
      keepCheckpoints: 7,
      logImages: 12,
      previews: 4,
      data: 'elsewhere',
    } as const
    expect((await resume({ resume: run, ...free }))?.options).toMatchObject({ ...free, maxTime: 3600 })
  })

  test('may not differ in what it computes: each one that does is told', async () => {
    const run = await makeRun(temporaryFolder())
    await expect(resume({ resume: run, lr: 0.5, batch: 8, keepCheckpoints: 2 })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringMatching(/\n {2}lr: 0\.001 then, 0\.5 now\n {2}batch: 4 then, 8 now$/),
      hint: expect.stringContaining('without resume'),
      details: { changed: ['lr', 'batch'] },
    })
  })
})

describe('what may differ is named', () => {
  test('R28: an allowed option is taken, and its difference told; the others are refused', async () => {
    const run = await makeRun(temporaryFolder())
    const resumed = await resume({ resume: run, lr: 0.5, allowChanges: ['lr'] })
    expect(resumed).toMatchObject({ options: { lr: 0.5, batch: 4 }, changes: ['lr: 0.001 then, 0.5 now'] })
    await expect(resume({ resume: run, lr: 0.5, batch: 8, allowChanges: ['lr'] })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      hint: expect.stringContaining('--allow-changes batch'),
      details: { changed: ['batch'] },
    })
  })

  test('what was allowed once is not allowed for ever', async () => {
    const run = await makeRun(temporaryFolder(), { ...started, allowChanges: ['lr'] })
    await expect(resume({ resume: run, lr: 0.5 })).rejects.toMatchObject({ code: 'RESUME_MISMATCH' })
  })

  test('a name that is no option is OPTION_INVALID', () => {
    expect(() => resolveTrain({ allowChanges: ['lr', 'bach'] })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('did you mean "batch"') }),
    )
    expect(() => resolveTrain({ allowChanges: ['latent'] })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  })
})

describe('the pictures', () => {
  const file = (path: string, sha256 = path) => ({ path, sha256 })
  const dataset = (digest: string, files: ReturnType<typeof file>[], heldOut: ReturnType<typeof file>[] = []) => ({
    digest,
    count: files.length,
    files,
    ...(heldOut.length > 0 && { heldOut, heldOutDigest: heldOut.map(({ sha256 }) => sha256).join(' ') }),
  })

  /** A run that was started with these. */
  const startedWith = (then: ReturnType<typeof dataset>) => ({
    path: 'run',
    readDataset: async () => ({ heldOutDigest: null, labelsDigest: null, ...then }),
    readDatasetFiles: async () => ({ heldOut: [], ...then }),
  })
  const then = dataset('a', [file('1.png'), file('2.png'), file('3.png')])
  const now = dataset('b', [file('1.png', 'new'), file('3.png'), file('4.png'), file('5.png')])

  test('R27: are those of the run, wherever they lie now; others are refused, with the difference', async () => {
    expect(await comparePictures(startedWith(then), { ...now, digest: 'a' }, [])).toBeUndefined()
    await expect(comparePictures(startedWith(then), now, ['lr'])).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringMatching(
        /3 then, 4 now: 2 added \(4\.png, 5\.png\), 1 missing \(2\.png\), 1 with other content \(1\.png\)$/,
      ),
      hint: expect.stringContaining('--allow-changes data'),
      details: { changed: ['data'] },
    })
  })

  test('labels are those of the run; a run without may be given some', async () => {
    const labelled = { ...then, labelsDigest: 'x' }
    expect(await comparePictures(startedWith(labelled), labelled, null)).toBeUndefined()
    expect(await comparePictures(startedWith(then), labelled, null)).toEqual({ change: 'labelled now', trained: false })
    await expect(comparePictures(startedWith(labelled), { ...then, labelsDigest: 'y' }, null)).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringMatching(/with other labels$/),
    })
    expect(await comparePictures(startedWith(labelled), then, ['data'])).toEqual({
      change: 'without labels now',
      trained: false,
    })
  })

  test('R27: or others, where "data" is allowed', async () => {
    expect(await comparePictures(startedWith(then), now, ['data'])).toEqual({
      change: expect.stringContaining('3 then, 4 now'),
      trained: true,
    })
  })

  test('those held out count too; without them, training goes on as it was', async () => {
    const [before, after] = [[file('4.png'), file('5.png')], [file('5.png')]].map((held) =>
      dataset('a', then.files, held),
    )
    expect(await comparePictures(startedWith(before!), before!, [])).toBeUndefined()
    const change = 'held out 2 then, 1 now: 1 missing (4.png)'
    await expect(comparePictures(startedWith(before!), after!, [])).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringContaining(change),
    })
    expect(await comparePictures(startedWith(before!), after!, ['data'])).toEqual({ change, trained: false })
    expect(await comparePictures(startedWith(before!), then, ['data'])).toEqual({
      change: 'held out 2 then, 0 now: 2 missing (4.png, 5.png)',
      trained: false,
    })
  })

  test('many names are not all told, and an order alone is', () => {
    expect(
      describeFiles(
        [],
        ['a', 'b', 'c', 'd'].map((path) => file(path)),
      ),
    ).toBe('4 added (a, b, c, ...)')
    expect(describeFiles(then.files, [...then.files].reverse())).toBe('the same files in another order')
  })
})
