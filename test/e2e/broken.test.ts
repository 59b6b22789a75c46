/** Runs that are broken off and gone on with end as those that are not. */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { train, verify } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { ledgerOf } from '../helpers/ledger.ts'
import {
  type AnyCall,
  checkpointsOf,
  drawPictures,
  ENDLESS,
  errorOf,
  jsonIn,
  linesOf,
  newestOf,
  tinyRun,
  trainAny,
  useOwnCache,
  usePictures,
  whenTraining,
} from '../helpers/runs.ts'
import { tally, times } from '../helpers/tally.ts'

useOwnCache()
const data = usePictures(10)

const BREAKS = 10
const looked: AnyCall = { checkpointImages: 20, logImages: 10, previews: 2, maxImages: 160 }

/** Trains until `maxImages`, aborted `breaks` times on the way and gone on with each time. */
async function breakOften(out: string, options: AnyCall, breaks: number): Promise<string> {
  const every = options.maxImages! / (breaks + 1)
  for (let broken = 0; broken < breaks; broken++) {
    const control = new AbortController()
    const run = tinyRun(out, data, { ...options, resume: true, signal: control.signal })
    const until = async () => {
      for await (const { images } of run) if (images >= every * (broken + 1)) control.abort()
    }
    expect(await errorOf(until())).toMatchObject({ code: 'ABORT_ERR' })
  }
  return (await tinyRun(out, data, { ...options, resume: true })).run
}

async function expectSame(options: AnyCall, breaks = BREAKS): Promise<void> {
  const straight = await tinyRun(temporaryFolder(), data, options)
  const broken = await breakOften(temporaryFolder(), options, breaks)
  expect(await ledgerOf(broken)).toEqual(await ledgerOf(straight.run))
  expect(await verify(broken)).toMatchObject({ whole: true })
}

describe('R23: a run broken off ten times ends with the bytes, lines, events and sheets of an unbroken one', () => {
  const models: AnyCall[] = [
    { model: 'diffusion' },
    { model: 'dcgan', variant: 'chainer' },
    { model: 'diffusion', variant: '0.26', selfCondition: true },
    { model: 'dcgan', variant: 'pytorch', size: 32 },
    { model: 'dcgan', variant: 'radford' },
  ]
  test.each(models.slice(0, times(2, models.length)))('%o', async (model) => {
    await expectSame({ ...looked, size: model.model === 'dcgan' ? 32 : 16, ...model })
    tally(
      `Breaks of one run of ${Object.values(model).slice(0, 2).join(' ')}: ends with the bytes of an unbroken one`,
      BREAKS,
      BREAKS,
    )
  })
})

describe('R22, R26: N + N equals 2N under any schedule of saves, counters, averages and mirroring among it', () => {
  const schedules: AnyCall[] = [
    { checkpointImages: 7 },
    { checkpointImages: 1 },
    { checkpointImages: 1000 },
    { checkpointImages: 64, keepCheckpoints: 1 },
    { checkpointImages: 30, emaEvery: 3, lrSchedule: 'cosine', warmup: 40 },
    { checkpointImages: 45, accumulate: 2, loaderWorkers: 2 },
  ]
  test.each(schedules.slice(0, times(1, schedules.length)))('%o', async (schedule) => {
    await expectSame({ ...looked, maxImages: 80, ...schedule }, 1)
    tally('Schedules of saves: N + N images end with the bytes of 2N', 1, 1)
  })
})

test('R21: a checkpoint that is written while training goes on holds the bytes of its own image', async () => {
  const running = tinyRun(temporaryFolder(), data, { maxImages: ENDLESS, lr: 0.01, keepCheckpoints: 100 })
  await whenTraining(running)
  await Promise.all([running.checkpoint(), running.checkpoint()])
  const folder = await running.checkpoint()
  const { run } = await running.stop()
  const images = Number(folder.slice(-9))
  expect(Number(checkpointsOf(run).at(-1))).toBeGreaterThan(images)
  const straight = await tinyRun(temporaryFolder(), data, { maxImages: images, lr: 0.01 })
  for (const file of ['model.safetensors', 'optimizer.safetensors']) {
    const bytes = readFileSync(join(folder, file))
    const expected = readFileSync(join(newestOf(straight.run), file))
    expect(bytes.equals(expected), file).toBe(true)
  }
})

describe('resume', () => {
  test('of a run killed before its first checkpoint begins it anew, in its own folder', async () => {
    const options = { ...looked, maxImages: 60 }
    const straight = await tinyRun(temporaryFolder(), data, options)
    const out = temporaryFolder()
    const { run } = await tinyRun(out, data, { ...options, maxImages: 30 })
    // What a kill just before the first save leaves: lines, events and the first sheet.
    rmSync(join(run, 'checkpoints'), { recursive: true })
    rmSync(join(run, 'samples', '000000020.png'))
    rmSync(join(run, 'samples', '000000030.png'))
    const told: string[] = []
    const again = await tinyRun(out, data, { ...options, resume: true, onLog: (line) => told.push(line) })
    expect(again.run).toBe(run)
    expect(told.join('\n')).toContain('no checkpoint')
    expect(await ledgerOf(run)).toEqual(await ledgerOf(straight.run))
  })

  test('draws the sheet that a kill between a checkpoint and its sheet left out', async () => {
    const options = { ...looked, maxImages: 40 }
    const { run } = await tinyRun(temporaryFolder(), data, options)
    const whole = await ledgerOf(run)
    rmSync(join(run, 'samples', '000000040.png'))
    await train({ resume: run, data })
    const { sheets, events } = await ledgerOf(run)
    expect(sheets).toEqual(whole.sheets)
    expect(events.at(-1)).toBe('40 samples')
  })

  test('R27, R28: takes changed pictures and options that are allowed, tells the difference, and goes on', async () => {
    const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 24, logImages: 8 })
    const others = await drawPictures(temporaryFolder(), 7)
    const told: string[] = []
    const changed: AnyCall = { resume: run, data: others, lr: 0.001, maxImages: 60, onLog: (line) => told.push(line) }
    expect(await errorOf(trainAny({ ...changed, allowChanges: ['lr'] }))).toMatchObject({ code: 'RESUME_MISMATCH' })
    expect(await errorOf(trainAny({ ...changed, allowChanges: ['data'] }))).toMatchObject({ code: 'RESUME_MISMATCH' })
    const model = await trainAny({ ...changed, allowChanges: ['lr', 'data'] })
    expect(model).toMatchObject({ images: 63, run, options: { lr: 0.001 } })
    const text = told.join('\n')
    expect(text).toMatch(/Changed: lr: 0\.0001 then, 0\.001 now\nChanged: pictures: 10 then, 7 now: 3 missing/)
    expect(jsonIn(run, 'dataset.json').count).toBe(7)
    expect(linesOf(run).map(({ images }) => images)).toEqual([...new Set(linesOf(run).map(({ images }) => images))])
    // The next one needs no permission.
    expect((await train({ resume: run, data: others, maxImages: 70 })).images).toBeGreaterThanOrEqual(70)
  })

  test('with options that make another network is CHECKPOINT_MISMATCH even where allowed, and the run stays as it was', async () => {
    const { run } = await tinyRun(temporaryFolder(), data, { maxImages: 8 })
    const config = readFileSync(join(run, 'config.json'), 'utf8')
    const error = await errorOf(train({ resume: run, data, dim: 16, allowChanges: ['dim'], maxImages: 16 }))
    expect(error).toMatchObject({ code: 'CHECKPOINT_MISMATCH' })
    expect(readFileSync(join(run, 'config.json'), 'utf8')).toBe(config)
    expect((await train({ resume: run, data, maxImages: 14 })).images).toBe(14)
  })
})

const disk = mkdtempSync(join(tmpdir(), 'shinsaku-test-disk-'))
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]).status === 0
afterAll(() => {
  if (mounted) spawnSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
})
if (!mounted) console.warn('R17 is skipped: only root may mount a file system of 8 MB')

test.skipIf(!mounted)(
  'R17: a full disk of 8 MB: DISK_FULL, the last checkpoint whole; resumes once there is space',
  async () => {
    const filler = join(disk, 'filler')
    writeFileSync(filler, Buffer.alloc(4 * 2 ** 20))
    const options = { maxImages: ENDLESS, checkpointImages: 4, keepCheckpoints: 1000, guard: false }
    const running = tinyRun(join(disk, 'runs'), data, options)
    expect(await errorOf(running)).toMatchObject({ code: 'DISK_FULL', hint: expect.stringContaining('--resume') })
    const run = running.folder!
    expect(await verify(run)).toMatchObject({ whole: true })
    const saved = Number(checkpointsOf(run).at(-1))
    expect(saved).toBeGreaterThan(0)
    expect(await errorOf(train({ resume: run, data, maxImages: saved + 8 }))).toMatchObject({ code: 'DISK_FULL' })
    rmSync(filler)
    expect((await train({ resume: run, data, maxImages: saved + 8, keepCheckpoints: 2 })).images).toBeGreaterThan(saved)
  },
)

test.skipIf(!mounted)(
  'R17: a disk that is full for a while costs no line, no event and no checkpoint after it',
  async () => {
    const filler = join(disk, 'filler')
    const fill = () => {
      for (const bytes of [2 ** 16, 1])
        try {
          for (;;) appendFileSync(filler, Buffer.alloc(bytes))
        } catch {}
    }
    const told: string[] = []
    const onLog = (line: string) => {
      told.push(line)
      if (line.startsWith('Checkpoint:') && !existsSync(filler) && told.length < 20) fill()
      if (line.includes('was not saved (2 of 3')) rmSync(filler)
    }
    const options = {
      maxImages: 120,
      checkpointImages: 20,
      logImages: 4,
      keepCheckpoints: 2,
      previews: 2,
      guard: false,
    }
    const { run } = await tinyRun(join(disk, 'runs'), data, { ...options, onLog })
    expect(told.join('\n')).toContain('(2 of 3')
    expect(await verify(run)).toMatchObject({ whole: true })
    const straight = await tinyRun(temporaryFolder(), data, options)
    const { tensors, lines } = await ledgerOf(run)
    expect({ tensors, lines }).toEqual(await ledgerOf(straight.run).then(({ tensors, lines }) => ({ tensors, lines })))
    rmSync(join(disk, 'runs'), { recursive: true })
  },
)

test('R35: an abort while a checkpoint is written waits for it, saves the last image too, and rejects', async () => {
  const control = new AbortController()
  const running = tinyRun(temporaryFolder(), data, { maxImages: ENDLESS, signal: control.signal, keepCheckpoints: 100 })
  const folder = await whenTraining(running)
  const asked = running.checkpoint()
  setImmediate(() => control.abort())
  expect(await errorOf(running)).toMatchObject({ code: 'ABORT_ERR' })
  expect(existsSync(join(await asked, 'manifest.json'))).toBe(true)
  expect(await verify(folder)).toMatchObject({ whole: true })
})
