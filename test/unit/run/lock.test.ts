import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { createRunDirectory } from '../../../lib/run/directory.ts'
import { lockRun } from '../../../lib/run/lock.ts'
import { withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { saveRequest } from '../../helpers/tensors.ts'
import { until } from '../../helpers/until.ts'

const locks = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('.lock-'))

/** A process that does nothing until it is ended. */
function sleeper(): ChildProcess {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)'])
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** The name this process's lock would have with another pid and start time. */
async function lockNameOf(folder: string, pid: number, ticks: string): Promise<string> {
  const lock = await lockRun(folder)
  const [name] = locks(folder)
  await lock.release()
  return name!.replace(/^\.lock-\d+-\d+/, `.lock-${pid}-${ticks}`)
}

const startTicks = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!

test('a second owner is refused until the first lets go', async () => {
  const folder = temporaryFolder()
  const lock = await lockRun(folder)
  await expect(lockRun(folder)).rejects.toMatchObject({ code: 'RUN_LOCKED', details: { pid: process.pid } })
  expect(locks(folder)).toHaveLength(1)
  await lock.release()
  expect(locks(folder)).toEqual([])
  await (await lockRun(folder)).release()
})

test('R20: another living process is named, and its lock stays', async () => {
  const folder = temporaryFolder()
  const { pid } = sleeper()
  const name = await lockNameOf(folder, pid!, startTicks(pid!))
  writeFileSync(join(folder, name), '')
  await expect(lockRun(folder)).rejects.toMatchObject({
    code: 'RUN_LOCKED',
    message: expect.stringContaining(`Process ${pid}`),
    details: { pid },
  })
  expect(locks(folder)).toEqual([name])
})

test('R20: the lock of a process that ended is taken over', async () => {
  const folder = temporaryFolder()
  const child = sleeper()
  const name = await lockNameOf(folder, child.pid!, startTicks(child.pid!))
  writeFileSync(join(folder, name), '')
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  const lock = await lockRun(folder)
  expect(locks(folder)).toEqual([expect.stringContaining(`.lock-${process.pid}-`)])
  await lock.release()
})

test('R20: a pid that was given to another process since holds nothing', async () => {
  const folder = temporaryFolder()
  const { pid } = sleeper()
  writeFileSync(join(folder, await lockNameOf(folder, pid!, '12345')), '')
  await (await lockRun(folder)).release()
  expect(locks(folder)).toEqual([])
})

/** Seconds without a sign of life after which a process elsewhere is taken for dead. */
const SILENCE = 60

describe('a lock of a process that this one cannot see', () => {
  /** The lock of this very process, as if it were that of a process in another place. */
  async function lockElsewhere(folder: string, place: RegExp, other: string, silent: number): Promise<string> {
    const own = await lockNameOf(folder, process.pid, startTicks(process.pid))
    const name = own.replace(place, other)
    expect(name).not.toBe(own)
    writeFileSync(join(folder, name), '')
    const seen = new Date(Date.now() - silent * 1000)
    utimesSync(join(folder, name), seen, seen)
    return name
  }
  const places: [string, RegExp, string][] = [
    ['in another PID namespace', /ns\d+$/, 'ns1234567890'],
    ['of another machine, or before this one was started again', /[0-9a-f]{8}(?=-ns)/, 'deadbeef'],
  ]

  test.each(places)('%s holds while it shows itself', async (_, place, other) => {
    const folder = temporaryFolder()
    const name = await lockElsewhere(folder, place, other, SILENCE - 10)
    await expect(lockRun(folder)).rejects.toMatchObject({
      code: 'RUN_LOCKED',
      message: expect.stringContaining('another container or machine'),
      hint: expect.stringContaining(`${SILENCE} seconds`),
      details: { pid: process.pid, here: false },
    })
    expect(locks(folder)).toEqual([name])
  })

  test.each(places)('%s is taken over once it is silent', async (_, place, other) => {
    const folder = temporaryFolder()
    await lockElsewhere(folder, place, other, SILENCE + 1)
    await (await lockRun(folder)).release()
    expect(locks(folder)).toEqual([])
  })

  test('shows itself again and again, and not after its release', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const folder = temporaryFolder()
    const lock = await lockRun(folder)
    const path = join(folder, locks(folder)[0]!)
    utimesSync(path, 0, 0)
    vi.advanceTimersByTime(10_000)
    await until(() => statSync(path).mtimeMs > Date.now() - 5000)
    await lock.release()
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a process that was taken for dead writes nothing more', async () => {
  const out = temporaryFolder()
  const directory = await createRunDirectory(out, 'run')
  await directory.appendLog('before')
  // As a process elsewhere does once this one has stood still for long.
  for (const name of locks(directory.path)) rmSync(join(directory.path, name))
  for (const write of [
    () => directory.appendLog('after'),
    () => directory.appendMetrics({ images: 1 }),
    () => directory.writeSample(1, new Uint8Array(1)),
    () => saveCheckpoint(directory.path, saveRequest(4, { requireOwned: () => directory.requireOwned() })),
  ])
    await expect(write()).rejects.toMatchObject({ code: 'RUN_LOCKED', message: expect.stringContaining('taken over') })
  await directory.close()
  expect(readFileSync(join(directory.path, 'log.txt'), 'utf8')).toBe('before\n')
  expect(readdirSync(directory.path).sort()).toEqual(['checkpoints', 'log.txt'])
  expect(readdirSync(join(directory.path, 'checkpoints'))).toEqual([])
})

test('of many that try at once, one goes on', async () => {
  const folder = temporaryFolder()
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => lockRun(folder)))
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
})

test('failures are coded and leave no lock', async () => {
  const folder = temporaryFolder()
  await expect(lockRun(join(folder, 'missing'))).rejects.toMatchObject({ code: 'FILE_FAILED' })
  writeFileSync(join(folder, '.lock-4194304-1-deadbeef'), '')
  expect((await withFault({ at: 1, only: ['remove'] }, () => lockRun(folder))).error).toMatchObject({
    code: 'FILE_FAILED',
  })
  expect(locks(folder)).toEqual(['.lock-4194304-1-deadbeef'])
  const lock = await lockRun(folder)
  expect((await withFault({ at: 1, only: ['remove'] }, () => lock.release())).error).toMatchObject({
    code: 'FILE_FAILED',
  })
})
