/** Living in a process that belongs to somebody else: errors, threads, and other copies of the package. */
import { execFile, execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { ShinsakuError } from '../../lib/errors.ts'
import { findLibtorch } from '../../lib/libtorch/find.ts'
import type { Addon } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { runToEnd } from '../helpers/exits.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawnPixels, smallSpec, smallTrainer } from '../helpers/specs.ts'
import { libtorchFiles, unpacked } from '../helpers/wheels.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('R41: a C++ exception becomes a JavaScript error with a code', () => {
  let addon: Addon
  beforeAll(async () => {
    addon = await loadAddon()
  })
  const wrong = () => addon as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
  const image = () => addon.images(drawnPixels(1, 16, 3), [1, 16, 16, 3], 'cpu')

  // What is thrown in C++ → the call that brings it about.
  const throwing: Record<string, () => Promise<unknown>> = {
    'c10::Error': () => addon.images(new Uint8Array(3), [1, 1, 1, 3], 'nonsense'),
    'c10::Error from an operator': async () => addon.trainer({ ...smallSpec({}), dim: -8 }, await image()),
    'std::out_of_range': async () => addon.trainer({ ...smallSpec({}), betas: [] }, await image()),
    'a list of 4 billion numbers': () => wrong().images!(new Uint8Array(3), new Array(2 ** 32 - 1), 'cpu'),
    'a list of 4 billion tensors': () => wrong().inferenceModel!(smallSpec({}), new Array(2 ** 32 - 1)),
    'what a getter throws': () =>
      wrong().describe!({
        get model() {
          throw new Error('on purpose')
        },
      }),
    'undefined, thrown by a getter': () =>
      wrong().describe!({
        get model() {
          throw undefined
        },
      }),
    'a handle of another kind': async () => {
      const trainer = await smallTrainer(addon, {})
      return wrong().trainer!(smallSpec({}), trainer)
    },
  }

  test.each(Object.keys(throwing))('%s', async (name) => {
    const error = await Promise.resolve()
      .then(throwing[name])
      .catch((e: unknown) => e)
    expect(error).toBeInstanceOf(ShinsakuError)
    expect(error).toMatchObject({ code: 'NATIVE_FAILED', message: expect.stringMatching(/\w/) })
    expect((error as Error).message).not.toContain('frame #')
    const trainer = await smallTrainer(addon, {})
    expect((await trainer.step(1)).loss).toHaveLength(1)
  })
})

describe('threads', () => {
  const threadsOf = (command: string, ...args: string[]) => {
    const code = `
      const { loadAddon } = await import(${JSON.stringify(join(root, 'dist/native/load.js'))})
      const { smallRun } = await import(${JSON.stringify(join(root, 'test/helpers/small-run.mjs'))})
      const addon = await loadAddon()
      await smallRun(addon, { threads: Number(process.env.THREADS) })
      console.log((await addon.info()).threads)`
    const node = [process.execPath, '--input-type=module', '-e', code]
    return Number(execFileSync(command, [...args, ...node], { encoding: 'utf8' }))
  }

  test('are as many as the CPUs that the process may use', () => {
    expect(threadsOf('taskset', '-c', '0', 'env', 'THREADS=0')).toBe(1)
  })

  test('are as many as asked for, whatever there is', () => {
    expect(threadsOf('taskset', '-c', '0', 'env', 'THREADS=3')).toBe(3)
  })
})

/** A second installation of the package: its own dist and its own addon. */
function secondCopy(): string {
  const folder = temporaryFolder()
  for (const part of ['package.json', 'dist', 'build/Release', 'build/loader/build'])
    cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

describe('R58: two copies of the package in one process', () => {
  test('over the same libtorch both work, at once, and the process exits cleanly while they do', async () => {
    const { output, ...ended } = await runToEnd('exit', 'two-copies-case.mjs', [secondCopy()])
    expect(ended, output).toMatchObject({ code: 4, signal: null })
    expect(output).toContain('same losses true')
  })

  test('over two libtorches the second is refused with LIBTORCH_CONFLICT; the first goes on', async () => {
    const other = unpacked(libtorchFiles())
    // Any library will do: it must not be opened.
    mkdirSync(join(other, 'lib'), { recursive: true })
    for (const name of ['libc10.so', 'libtorch_cpu.so'])
      copyFileSync(join(root, 'build/loader/build/Release/loader.node'), join(other, 'lib', name))
    const program = fileURLToPath(new URL('../helpers/two-copies-case.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [program, secondCopy(), 'conflict'], {
      env: { ...process.env, OTHER_LIBTORCH: other },
    })
    expect(stdout).toContain(`LIBTORCH_CONFLICT This process has loaded ${findLibtorch().lib}`)
    expect(stdout).toContain('still there 1')
  })
})
