import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockRun } from '../../../lib/run/lock.ts'
import { withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

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

test('a lock from before the machine was started again holds nothing', async () => {
  const folder = temporaryFolder()
  await lockRun(folder)
  const [name] = locks(folder)
  renameSync(join(folder, name!), join(folder, name!.replace(/[0-9a-f]{8}$/, 'deadbeef')))
  await (await lockRun(folder)).release()
  expect(locks(folder)).toEqual([])
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
