/** Runs that hold pictures out: they never train on them, and what is held out stays so. */
import { copyFileSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { train, verify } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawFaces } from '../helpers/pictures.ts'
import { errorOf, newestOf, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const data = sharedFolder()
beforeAll(() => drawFaces(data, 12, 16))

type Listed = { path: string; sha256: string }
type Record = { count: number; files: Listed[]; heldOut?: Listed[] }
const recordOf = (run: string): Record => JSON.parse(readFileSync(join(run, 'dataset.json'), 'utf8'))
const paths = (files: readonly Listed[] = []) => files.map(({ path }) => path)
const weightsOf = (run: string) => readFileSync(join(newestOf(run), 'model.safetensors'))

const held = { holdout: 3, maxImages: 40 } as const

test('the network sees the others only: the same bits as without those pictures, in memory and from a file', async () => {
  const run = (await tinyRun(temporaryFolder(), data, held)).run
  const { count, files, heldOut } = recordOf(run)
  expect([count, files.length, heldOut?.length]).toEqual([9, 9, 3])
  const others = temporaryFolder()
  for (const path of paths(files)) copyFileSync(join(data, path), join(others, path))
  const without = (await tinyRun(temporaryFolder(), others, { maxImages: 40 })).run
  const fromFile = (await tinyRun(temporaryFolder(), data, { ...held, pixelStore: 'file' })).run
  expect(weightsOf(run).equals(weightsOf(without))).toBe(true)
  expect(weightsOf(run).equals(weightsOf(fromFile))).toBe(true)
  expect(readFileSync(join(run, 'log.txt'), 'utf8')).toContain('Pictures: 9 pictures to train on, 3 held out, 16x16')
  const { checks, whole } = await verify(run)
  expect(whole).toBe(true)
  expect(checks.find(({ path }) => path === 'dataset.json')?.detail).toBe('9 pictures, and 3 held out')
})

describe('a run that goes on', () => {
  const started = async () => {
    const pictures = temporaryFolder()
    await cp(data, pictures, { recursive: true })
    const { run } = await tinyRun(temporaryFolder(), pictures, held)
    return { pictures, run, before: recordOf(run) }
  }
  const more = { maxImages: 60 } as const

  test('keeps what is held out, also where another number is allowed', async () => {
    const { pictures, run, before } = await started()
    await train({ resume: run, data: pictures, ...more })
    expect(recordOf(run)).toEqual(before)
    expect((await errorOf(train({ resume: run, data: pictures, holdout: 5 }))).code).toBe('RESUME_MISMATCH')
    await train({ resume: run, data: pictures, holdout: 5, allowChanges: ['holdout'], maxImages: 80 })
    expect(recordOf(run)).toEqual(before)
  })

  test('trains on new pictures where "data" may differ, and never on those that were held out', async () => {
    const { pictures, run, before } = await started()
    const gone = paths(before.heldOut)[0]!
    unlinkSync(join(pictures, gone))
    const missing = await errorOf(train({ resume: run, data: pictures, ...more }))
    expect(missing).toMatchObject({
      code: 'RESUME_MISMATCH',
      message: expect.stringContaining(`held out 3 then, 2 now: 1 missing (${gone})`),
    })
    expect(recordOf(run)).toEqual(before)
    const others = await drawFaces(temporaryFolder(), 14, 16)
    for (const n of [12, 13]) copyFileSync(join(others, `face-${n}.png`), join(pictures, `new-${n}.png`))
    await train({ resume: run, data: pictures, ...more, allowChanges: ['data'] })
    const after = recordOf(run)
    expect(paths(after.files).sort()).toEqual([...paths(before.files), 'new-12.png', 'new-13.png'].sort())
    expect(paths(after.heldOut)).toEqual(paths(before.heldOut).filter((path) => path !== gone))
  })

  test('and began before there was such an option holds out none', async () => {
    const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 40 })
    const config = join(run, 'config.json')
    const { options, ...rest } = JSON.parse(readFileSync(config, 'utf8'))
    const { holdout, ...older } = options
    expect(holdout).toBe('auto')
    writeFileSync(config, JSON.stringify({ ...rest, options: older }))
    await train({ resume: run, data, ...more })
    expect(recordOf(run).count).toBe(12)
    expect(JSON.parse(readFileSync(config, 'utf8')).options.holdout).toBe(0)
  })
})

test('on the command line: how many, what share, or none; wrong ones are refused', async () => {
  const tiny = [data, '--size', '16', '--dim', '8', '--dim-mults', '1', '--device', 'cpu']
  const described = async (...args: string[]) => (await shinsaku('describe', ...tiny, ...args)).stdout
  expect(await described('--holdout', '3')).toMatch(/^pictures +9 to train on, 3 held out$/m)
  expect(JSON.parse(await described('--holdout', '.25', '--json')).data).toMatchObject({ count: 9, heldOut: 3 })
  expect(await described('--holdout', 'auto')).toMatch(/^pictures +12 to train on$/m)
  for (const wrong of ['-1', '2.5', 'some']) {
    const { code, stdout, stderr } = await shinsaku('train', ...tiny, `--holdout=${wrong}`)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('[OPTION_INVALID]')
    expect(stderr).toContain('holdout: ')
  }
  const { code, stderr } = await shinsaku('train', ...tiny, '--holdout', '12')
  expect(code).toBe(1)
  expect(stderr).toContain('[DATA_TOO_FEW]')
})
