/** Real processes, killed at any moment: nothing that was reported as saved is lost. */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { newestValidCheckpoint } from '../../lib/checkpoint/find.ts'
import { verify } from '../../lib/index.ts'
import { once, runCli, tinyFlags } from '../helpers/cli-process.ts'
import { memoryFolder, temporaryFolder } from '../helpers/folder.ts'
import { ledgerOf } from '../helpers/ledger.ts'
import { usePictures } from '../helpers/runs.ts'
import { tally, times } from '../helpers/tally.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const data = usePictures(10)

const tiny = [...tinyFlags, ...'--batch 4 --previews 0 --log-images 4'.split(' ')]

/** A number from 0 to 1 that looks random and is the same each time. */
const share = (n: number) => createHash('sha256').update(String(n)).digest().readUInt32LE() / 2 ** 32

/** The newest position that was reported as saved; 0 for none. */
const reported = (text: string) =>
  Math.max(0, ...[...text.matchAll(/Checkpoint: \S+\/(\d+)\n/g)].map((m) => Number(m[1])))

const line = ['train', data, ...tiny, '--resume']
const RUN = 'runs/00000-diffusion-16-data'

const common = '--size 16 --threads 1 --batch 4 --previews 0 --log-images 4 --resume'.split(' ')
const gan = (flags: string) => ['train', data, ...common, ...flags.split(' ')]

/** Kills in a short form and in a long one. */
const killed: [model: string, line: string[], run: string, short: number, long: number][] = [
  ['diffusion', line, RUN, 4, 200],
  [
    'StyleGAN2',
    gan('--model stylegan2 --size 32 --channel-base 256 --channel-max 16 --latent 16 --augment-images 100'),
    'runs/00000-stylegan2-32-data',
    1,
    60,
  ],
  [
    'PGAN that grows',
    gan('--model pgan --widths 8,8,8 --latent 8 --scale-images 16 --fade-images 8'),
    'runs/00000-pgan-16-data',
    1,
    60,
  ],
]

describe('R08: SIGKILL at random times of a run that saves after every update', () => {
  test.each(killed)(
    '%s: one command line, started again each time, loses nothing and ends as if nothing had happened',
    async (model, line, RUN, short, long) => {
      const cwd = temporaryFolder()
      const kills = times(short, long)
      let saved = 0
      let passed = 0
      let lively = 0
      // Learned on the way: how long a life must last, on this machine, to save a few times.
      let span = 2000
      for (let n = 0; n < kills; n++) {
        // One in ten is killed while it starts, and one in three of the others just after it has saved.
        const sign = n % 10 === 9 ? '' : n % 3 === 0 ? 'Checkpoint:' : 'Model:'
        const kill = once(sign, (child) => {
          setTimeout(() => child.kill('SIGKILL'), share(n) * (n % 3 === 0 ? span / 10 : span))
        })
        const { signal, stderr } = await runCli(cwd, [...line, '--checkpoint-images', '4'], kill)
        const saves = stderr.split('Checkpoint:').length - 1
        if (saves > 0) lively += 1
        if (n % 3 !== 0) span *= saves === 0 ? 1.5 : saves > 10 ? 0.7 : 1
        expect(signal, stderr).toBe('SIGKILL')
        saved = Math.max(saved, reported(stderr))
        if (!existsSync(join(cwd, RUN, 'config.json'))) continue
        const found = await newestValidCheckpoint(join(cwd, RUN), {
          onSkipped: (text) => expect.unreachable(`a kill left a damaged checkpoint: ${text}`),
        }).catch((error: { code: string }) => {
          expect(error.code).toBe('RUN_NOT_FOUND')
        })
        const images = found?.manifest.images ?? 0
        expect(images).toBeGreaterThanOrEqual(saved)
        saved = images
        passed += 1
      }
      const end = ['--max-images', String(saved + 16)]
      const last = await runCli(cwd, [...line, '--checkpoint-images', '4', ...end])
      expect(last, last.stderr).toMatchObject({ code: 0 })
      const straight = temporaryFolder()
      const unbroken = await runCli(straight, [...line, '--checkpoint-images', '100000', ...end])
      expect(unbroken, unbroken.stderr).toMatchObject({ code: 0 })
      expect(await ledgerOf(join(cwd, RUN))).toEqual(await ledgerOf(join(straight, RUN)))
      expect(await verify(join(cwd, RUN))).toMatchObject({ whole: true })
      // The only kill of the short form is at a checkpoint.
      expect(lively).toBeGreaterThan(kills / 4)
      tally(
        `SIGKILL at random times of a training run (${model}): resumed, and in the end the bytes of an unbroken one`,
        kills,
        passed,
      )
    },
  )
})

describe('R33: SIGTERM while a checkpoint is written', () => {
  test('finishes it, saves the last image and ends with 0', async () => {
    const cwd = temporaryFolder()
    for (let n = 0; n < times(1, 10); n++) {
      const end = once('Checkpoint:', (child) => {
        setTimeout(() => child.kill('SIGTERM'), share(n) * 200)
      })
      const { code, stderr } = await runCli(cwd, [...line, '--checkpoint-images', '4'], end)
      expect(code, stderr).toBe(0)
      expect(stderr).toContain('Stopped and saved')
      expect(await verify(join(cwd, RUN))).toMatchObject({ whole: true })
    }
  })
})

const strace = spawnSync('strace', ['-V']).status === 0
if (!strace) console.warn('R07 is skipped: strace is not installed (sudo apt-get install strace)')

/** Saves in a process of its own, with strace at the thread that writes; tells how it ended and what it said. */
async function saveTraced(run: string, options: readonly string[]): Promise<{ killed: boolean; said: string }> {
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' }
  const child = spawn(process.execPath, [here('../helpers/save-case.cjs'), run, '8'], { env })
  let said = ''
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)))
  const thread = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk) => {
      said += chunk
      const [, id] = /thread (\d+)\n/.exec(said) ?? []
      if (id) resolve(id)
    })
    child.stderr.on('data', (chunk) => reject(new Error(String(chunk))))
  })
  const tracer = spawn('strace', ['-p', thread, ...options])
  const traced = new Promise((resolve) => tracer.on('close', resolve))
  await new Promise<void>((resolve, reject) => {
    tracer.stderr.on('data', (chunk) => {
      if (String(chunk).includes('attached')) resolve()
      else reject(new Error(String(chunk)))
    })
  })
  child.stdin.write('\n')
  const killed = (await ended) === 'SIGKILL'
  await traced
  return { killed, said }
}

type Call = { name: string; nth: number }

/** The system calls of a save in their order, each with how many of its name there were up to it. */
async function callsOfSave(before: string): Promise<Call[]> {
  const run = memoryFolder()
  cpSync(before, run, { recursive: true })
  const trace = join(run, 'trace')
  // Waiting for the next piece of work changes nothing on disk, and is done more or less often by chance.
  expect((await saveTraced(run, ['-o', trace, '-e', 'trace=!futex'])).said).toContain('saved 8')
  const seen = new Map<string, number>()
  return [...readFileSync(trace, 'utf8').matchAll(/^(\w+)\(/gm)].map(([, name]) => {
    const nth = (seen.get(name!) ?? 0) + 1
    seen.set(name!, nth)
    return { name: name!, nth }
  })
}

describe.skipIf(!strace)('R07: SIGKILL at the n-th system call of a save', () => {
  test('for every n, the one before or the new one is there, whole', async () => {
    const before = memoryFolder()
    const images = async (run: string) =>
      (
        await newestValidCheckpoint(run, {
          onSkipped: (text) => expect.unreachable(`a kill left a damaged checkpoint: ${text}`),
        })
      ).manifest.images
    const first = spawnSync(process.execPath, [here('../helpers/save-case.cjs'), before, '4'], { input: '\n' })
    expect(String(first.stdout), String(first.stderr)).toContain('saved 4')
    const calls = await callsOfSave(before)
    expect(calls.length).toBeGreaterThan(100)
    const chosen = calls.filter((_, n) => n % times(30, 1) === 0)
    let kills = 0
    for (const { name, nth } of chosen) {
      const run = memoryFolder()
      cpSync(before, run, { recursive: true })
      const inject = `inject=${name}:signal=SIGKILL:when=${nth}`
      const { killed, said } = await saveTraced(run, ['-o', '/dev/null', '-e', `trace=${name}`, '-e', inject])
      expect(await images(run), `${name} ${nth}`).toBeGreaterThanOrEqual(said.includes('saved 8') ? 8 : 4)
      rmSync(run, { recursive: true })
      if (killed) kills += 1
    }
    // Some calls are made more or less often by chance: of a few, one or two may never come.
    expect(kills).toBeGreaterThan(chosen.length * times(0.5, 0.9))
    tally(
      'SIGKILL at the n-th system call of a save, for every n: the newest or the one before it is whole',
      kills,
      kills,
    )
  })
})
