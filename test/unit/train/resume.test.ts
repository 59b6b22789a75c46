/** Which run is gone on with, and what may differ from the options and pictures it was started with. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolveTrain, type TrainOptions } from '../../../lib/options/resolve.ts'
import { createRunDirectory, runName } from '../../../lib/run/directory.ts'
import { findResumed, requireSameData } from '../../../lib/train/resume.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const started: TrainOptions = { data: 'icons', size: 16, batch: 4, lr: 0.001, maxTime: '20m' }

/** A run folder as training leaves it, without its checkpoints. */
async function makeRun(out: string, given: TrainOptions = started): Promise<string> {
  const options = resolveTrain({ ...given, out })
  const run = await createRunDirectory(out, runName(options.model, options.size, options.data))
  await run.writeConfig(options)
  await run.close()
  return run.path
}

const resume = (given: TrainOptions) => findResumed(given, resolveTrain(given))

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
    await expect(resume({ resume: join(out, 'none') })).rejects.toMatchObject({ code: 'RUN_INVALID' })
  })
})

describe('its options', () => {
  test('are those it was started with where nothing else is given', async () => {
    const run = await makeRun(temporaryFolder())
    const options = (await resume({ resume: run, lr: undefined } as unknown as TrainOptions))?.options
    expect(options).toMatchObject({ data: 'icons', size: 16, batch: 4, lr: 0.001, maxTime: 1200, resume: run })
  })

  test('may be given again in another form', async () => {
    const run = await makeRun(temporaryFolder())
    expect((await resume({ ...started, resume: run, maxTime: 1200 }))?.options.lr).toBe(0.001)
    expect((await resume({ resume: run, model: 'diffusion' }))?.options.lr).toBe(0.001)
  })

  test('may differ in how long and how visibly the run goes on', async () => {
    const run = await makeRun(temporaryFolder())
    const free = { maxImages: 99, maxTime: '1h', keep: 7, logImages: 12, previews: 4, data: 'elsewhere' } as const
    expect((await resume({ resume: run, ...free }))?.options).toMatchObject({ ...free, maxTime: 3600 })
  })

  test('may not differ in what it computes: each one that does is told', async () => {
    const run = await makeRun(temporaryFolder())
    await expect(resume({ resume: run, lr: 0.5, batch: 8, keep: 2 })).rejects.toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringMatching(/\n {2}lr: 0\.001 then, 0\.5 now\n {2}batch: 4 then, 8 now$/),
      hint: expect.stringContaining('without resume'),
      details: { changed: ['lr', 'batch'] },
    })
  })
})

test('the pictures are those of the run, wherever they lie now', () => {
  requireSameData('run', { digest: 'a', count: 3 }, { digest: 'a', count: 3 })
  expect(() => requireSameData('run', { digest: 'a', count: 3 }, { digest: 'b', count: 4 })).toThrow(
    expect.objectContaining({ code: 'RESUME_MISMATCH', message: expect.stringContaining('3 then, 4 now') }),
  )
})
