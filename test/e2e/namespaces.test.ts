/** Two PID namespaces, as two containers have: a pid of one means nothing in the other, and yet one run has one owner. */
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { lockRun } from '../../lib/run/lock.ts'
import { temporaryFolder } from '../helpers/folder.ts'

const own = ['--pid', '--fork', '--mount-proc', '--kill-child']
const permitted = spawnSync('unshare', [...own, 'true']).status === 0

const lock = fileURLToPath(new URL('../../dist/run/lock.js', import.meta.url))
const program = `
  const { lockRun } = await import(${JSON.stringify(lock)})
  await lockRun(process.argv[1]).then(() => console.log('locked as ' + process.pid), (error) => console.log(error.code))
  setInterval(() => {}, 60000)`

/** Locks a run in a namespace of its own; resolves with what came of it, and how to kill it. */
async function lockInNamespace(folder: string): Promise<{ said: string; kill(): Promise<void> }> {
  const child = spawn('unshare', [...own, process.execPath, '--input-type=module', '-e', program, folder])
  onTestFinished(() => void child.kill('SIGKILL'))
  const said = await new Promise<string>((resolve) => child.stdout.once('data', (data) => resolve(String(data).trim())))
  const kill = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
  return { said, kill }
}

test.skipIf(!permitted)(
  'a trainer in another PID namespace is not taken for dead, until it has been silent',
  async () => {
    const folder = temporaryFolder()
    const other = await lockInNamespace(folder)
    expect(other.said).toBe('locked as 1')
    await expect(lockRun(folder)).rejects.toMatchObject({ code: 'RUN_LOCKED', details: { pid: 1, here: false } })
    expect((await lockInNamespace(folder)).said).toBe('RUN_LOCKED')

    await other.kill()
    const [left] = readdirSync(folder)
    const longAgo = new Date(Date.now() - 61_000)
    utimesSync(join(folder, left!), longAgo, longAgo)
    const mine = await lockRun(folder)
    expect((await lockInNamespace(folder)).said).toBe('RUN_LOCKED')
    await mine.release()
    expect(readdirSync(folder)).toEqual([])
  },
)
