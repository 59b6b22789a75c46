import { type ChildProcess, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { cliProgram, once, runCli, runProgram, tinyFlags } from '../helpers/cli-process.ts'
import { temporaryFolder } from '../helpers/folder.ts'

const tiny = ['builtin:icons:6', ...tinyFlags, '--batch', '3']
const quick = [...tiny, '--max-images', '12', '--previews', '2', '--preview-steps', '2']
const endless = [...tiny, '--max-images', '100000000', '--previews', '0']

/** A module that prints, when its process ends, which libraries it has loaded. */
const listLibraries = `data:text/javascript,${encodeURIComponent(`
  import { readFileSync } from 'node:fs'
  const mapped = () => readFileSync('/proc/self/maps', 'utf8').match(/\\/\\S+\\.(?:so|node)\\S*$/gm)
  process.on('exit', () => console.log('libraries: ' + mapped().join(' ')))
`)}`

const runsIn = (cwd: string) => readdirSync(join(cwd, 'runs'))

describe('train, then sample', () => {
  test('R75 prints the run folder and the command that draws with it, without control characters; that command draws', async () => {
    const cwd = temporaryFolder()
    const trained = await runCli(cwd, ['train', ...quick])
    expect(trained, trained.stderr).toMatchObject({ code: 0, stdout: 'runs/00000-diffusion-16-icons\n' })
    expect(trained.stderr).toContain('12/12 images (100%)')
    for (const control of ['\r', '\u001B']) expect(trained.stderr).not.toContain(control)
    const command = trained.stderr.match(/shinsaku (sample .*)/)![1]!
    const drawn = await runCli(cwd, [...command.split(' '), '--steps', '2'])
    expect(drawn, drawn.stderr).toMatchObject({ code: 0, stdout: 'grid.png\n' })
    expect(readFileSync(join(cwd, 'grid.png')).subarray(1, 4).toString()).toBe('PNG')
  })

  test('--json: statuses as lines, the run at the end; pictures with their seeds; the same seed gives the same file', async () => {
    const cwd = temporaryFolder()
    const trained = await runCli(cwd, ['train', ...quick, '--json'])
    const lines = trained.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.at(-1)).toEqual({ run: 'runs/00000-diffusion-16-icons', images: 12 })
    expect(lines.at(-2)).toMatchObject({ images: 12, maxImages: 12, loss: expect.any(Number) })
    const draw = async (...more: string[]) => {
      const { stdout, stderr } = await runCli(cwd, ['sample', lines.at(-1).run, '--steps', '2', '--json', ...more])
      expect(stdout, stderr).not.toBe('')
      return JSON.parse(stdout)
    }
    const first = await draw('--seeds', '5,7', '-o', 'a', '--grid', 'sheet.webp')
    expect(first).toMatchObject({
      seeds: [5, 7],
      grid: 'sheet.webp',
      files: [
        { path: 'a/seed-5.png', seed: 5 },
        { path: 'a/seed-7.png', seed: 7 },
      ],
    })
    expect(await draw('--seeds', '5,7', '-o', 'c.png')).toMatchObject({ seeds: [5, 7], grid: 'c.png', files: [] })
    await draw('-n', '1', '--seed', '7', '-o', 'b')
    expect(readFileSync(join(cwd, 'b/seed-7.png')).equals(readFileSync(join(cwd, 'a/seed-7.png')))).toBe(true)
    expect(existsSync(join(cwd, 'sheet.webp'))).toBe(true)
  })
})

describe('a reader that goes away', () => {
  const piped = (pipe: string, ...args: string[]) =>
    `"$0" "$1" train ${[...tiny, '--max-images', '300', '--previews', '0', ...args].join(' ')} ${pipe}`

  test.each([
    ['stdout', piped('2> said | head -n 1; echo $PIPESTATUS', '--json')],
    ['stderr', piped('2>&1 > there | head -n 1; echo $PIPESTATUS')],
    ['both', piped('2>&1 | head -n 1; echo $PIPESTATUS', '--json')],
  ])('of %s: the run goes on to its end and is saved, with its own exit code', async (_, script) => {
    const cwd = temporaryFolder()
    const ended = await runProgram('bash', cwd, ['-c', script, process.execPath, cliProgram])
    expect(ended.stdout.trim().split('\n').at(-1), ended.stderr).toBe('0')
    expect(ended.stdout.trim().split('\n')).toHaveLength(2)
    expect(existsSync(join(cwd, 'runs/00000-diffusion-16-icons/checkpoints/000000300/manifest.json'))).toBe(true)
  })

  test('of the errors of a command that fails does not make it a success', async () => {
    const script = '"$0" "$1" train --size none 2> >(exec true); echo $?'
    const ended = await runProgram('bash', temporaryFolder(), ['-c', script, process.execPath, cliProgram])
    expect(ended.stdout).toBe('2\n')
  })

  test('a full disk behind stdout is a failure', async () => {
    const script = '"$0" "$1" --help > /dev/full; echo $?'
    const ended = await runProgram('bash', temporaryFolder(), ['-c', script, process.execPath, cliProgram])
    expect([ended.stdout, ended.stderr]).toEqual(['1\n', expect.stringContaining('Could not write to stdout: ENOSPC')])
  })
})

describe('signals', () => {
  const whenTraining = (signals: readonly NodeJS.Signals[]) => {
    let sent = 0
    return (text: string, child: ChildProcess) => {
      const due = sent === 0 ? text.includes('Model:') : text.includes('Stopping')
      if (due && sent < signals.length) child.kill(signals[sent++])
    }
  }

  test.each(['SIGHUP', 'SIGINT', 'SIGTERM'] as const)(
    'R31: the first %s saves the update it meets, says so and ends with 0; the run can be gone on with',
    async (signal) => {
      const cwd = temporaryFolder()
      const stopped = await runCli(cwd, ['train', ...endless], whenTraining([signal]))
      expect(stopped, stopped.stderr).toMatchObject({ code: 0, signal: null })
      const images = Number(stopped.stderr.match(/Stopped and saved after ([\d,]+) images/)![1]!.replaceAll(',', ''))
      const checkpoints = readdirSync(join(cwd, 'runs/00000-diffusion-16-icons/checkpoints'))
      expect(checkpoints.filter((name) => /^\d+$/.test(name)).at(-1)).toBe(String(images).padStart(9, '0'))
      const command = stopped.stderr.match(/shinsaku (train --resume .*)/)![1]!
      const resumed = await runCli(cwd, [...command.split(' '), '--max-images', String(images + 6), '--json'])
      expect(resumed, resumed.stderr).toMatchObject({ code: 0 })
      expect(JSON.parse(resumed.stdout.trim().split('\n').at(-1)!)).toEqual({
        run: 'runs/00000-diffusion-16-icons',
        images: images + 6,
      })
    },
  )

  test.each([
    ['nohup', 'nohup "$@" < /dev/null & echo $! > pid; wait $!'],
    ['a script that ignores it', 'trap "" HUP; "$@" & echo $! > pid; wait $!'],
  ])('SIGHUP stays ignored under %s: the run goes on to its end', async (_, script) => {
    const cwd = temporaryFolder()
    const hangUp = () => process.kill(Number(readFileSync(join(cwd, 'pid'), 'utf8')), 'SIGHUP')
    const long = [...tiny, '--max-images', '600', '--previews', '0']
    const wrapped = ['-c', script, 'bash', process.execPath, cliProgram, 'train', ...long]
    const ended = await runProgram('bash', cwd, wrapped, once('Model:', hangUp))
    expect(ended, ended.stderr).toMatchObject({ code: 0, stdout: 'runs/00000-diffusion-16-icons\n' })
    expect(ended.stderr).toContain('Done after 600 images')
  })

  test('R32: a second one ends at once with 130 or 143', async () => {
    // A preview of many pictures at the start keeps the run from seeing the first signal.
    const busy = [...tiny, '--max-images', '100000000', '--previews', '1024', '--preview-steps', '20']
    expect(await runCli(temporaryFolder(), ['train', ...busy], whenTraining(['SIGINT', 'SIGINT']))).toMatchObject({
      code: 130,
      signal: null,
    })
    expect(await runCli(temporaryFolder(), ['train', ...busy], whenTraining(['SIGINT', 'SIGTERM']))).toMatchObject({
      code: 143,
      signal: null,
    })
  })
})

describe('sample, stopped by the first signal', () => {
  const many = ['-n', '4000', '--steps', '4']
  const trained = async () => {
    const cwd = temporaryFolder()
    await runCli(cwd, ['train', ...quick])
    return { cwd, run: join('runs', runsIn(cwd)[0]!) }
  }
  /** Sends the signal once there is a name like that in the folder. */
  const whenThere = (folder: string, name: RegExp) => (child: ChildProcess) => {
    const timer = setInterval(() => {
      if (!existsSync(folder) || !readdirSync(folder).some((there) => name.test(there))) return
      clearInterval(timer)
      child.kill('SIGINT')
    }, 20)
    child.on('close', () => clearInterval(timer))
  }

  test('keeps the files that are complete, says so and ends with 130; so does a grid of them', async () => {
    const { cwd, run } = await trained()
    const args = ['sample', run, ...many, '-o', 'files', '--grid', 'grid.png']
    const stopped = await runCli(cwd, args, undefined, whenThere(join(cwd, 'files'), /^seed-40\.png$/))
    expect(stopped, stopped.stderr).toMatchObject({ code: 130, signal: null })
    const names = readdirSync(join(cwd, 'files'))
    expect(names.length).toBeGreaterThan(40)
    expect(stopped.stdout.trim().split('\n').sort()).toEqual(
      [...names.map((name) => `files/${name}`), 'grid.png'].sort(),
    )
    expect(stopped.stderr).toContain(`; ${names.length.toLocaleString('en-US')} pictures are kept.`)
    expect(stopped.stderr).toContain(`grid.png holds the ${names.length.toLocaleString('en-US')} that were finished.`)
    expect(readdirSync(cwd).sort()).toEqual(['files', 'grid.png', 'runs'])
  })

  test('leaves a grid of what was finished, or nothing of it, and ends with 130', async () => {
    const { cwd, run } = await trained()
    const stopped = await runCli(cwd, ['sample', run, ...many], undefined, whenThere(cwd, /^\.tmp/))
    expect(stopped, stopped.stderr).toMatchObject({ code: 130, signal: null })
    const finished = stopped.stderr.includes('grid.png holds the ')
    expect(stopped.stdout).toBe(finished ? 'grid.png\n' : '')
    if (!finished) expect(stopped.stderr).toContain('nothing was written')
    expect(readdirSync(cwd)).toEqual(finished ? ['grid.png', 'runs'] : ['runs'])
  })
})

describe('describe', () => {
  test('and --dry-run tell the same and leave nothing behind', async () => {
    const cwd = temporaryFolder()
    const described = await runCli(cwd, ['describe', ...quick, '--json'])
    const dry = await runCli(cwd, ['train', ...quick, '--dry-run', '--json'])
    // Two measurements of the speed are not alike.
    const untimed = ({ stdout }: { stdout: string }) => ({ ...JSON.parse(stdout), time: null })
    expect(described.code, described.stderr).toBe(0)
    expect(untimed(described)).toEqual(untimed(dry))
    expect(JSON.parse(dry.stdout)).toMatchObject({
      data: { count: 6 },
      options: { dim: 8 },
      device: 'cpu',
      parameters: expect.any(Number),
      time: { imagesPerSecond: expect.any(Number), seconds: expect.any(Number) },
    })
    expect(existsSync(join(cwd, 'runs'))).toBe(false)
    const { stdout } = await runCli(cwd, ['describe', ...quick])
    expect(stdout).toMatch(/^ {2}dimMults +1,2$/m)
    expect(stdout).toMatch(/^parameters +[\d,]+$/m)
    expect(stdout).toMatch(/^memory +about .*MB/m)
    expect(stdout).toMatch(/^time +about .* images: .* images\/s, measured over \d+ updates?$/m)
  })

  test('of a run folder tells options, layers and images', async () => {
    const cwd = temporaryFolder()
    await runCli(cwd, ['train', ...quick])
    const { stdout, stderr } = await runCli(cwd, ['describe', 'runs/00000-diffusion-16-icons', '--json'])
    expect(stdout, stderr).not.toBe('')
    const told = JSON.parse(stdout)
    expect(told).toMatchObject({ run: 'runs/00000-diffusion-16-icons', images: 12, options: { size: 16 } })
    expect(told.layers.length).toBeGreaterThan(20)
    expect(told).toMatchObject({ pictures: 6, loss: expect.any(Number), elapsedSeconds: expect.any(Number) })
    // The newest run, as none is named.
    const { stdout: text } = await runCli(cwd, ['describe'])
    const leading =
      /^run +runs\/\S+\nloss +[\d.]+ after \d+ images\nduration +\d+ s\nimages +12 of 12, .*\ndata +6 pictures, /
    expect(text).toMatch(leading)
  })

  test('and a digest of its weights, which two runs of the same bits share', async () => {
    const cwd = temporaryFolder()
    for (const seed of ['1', '1', '2']) await runCli(cwd, ['train', ...quick, '--seed', seed])
    const digests = await Promise.all(
      [0, 1, 2].map(async (run) => {
        const folder = `runs/0000${run}-diffusion-16-icons`
        const { weightsSha256 } = JSON.parse((await runCli(cwd, ['describe', folder, '--json'])).stdout)
        const file = readFileSync(join(cwd, folder, 'checkpoints', '000000012', 'model.safetensors'))
        expect(weightsSha256).toBe(createHash('sha256').update(file).digest('hex'))
        return weightsSha256
      }),
    )
    expect(digests[1]).toBe(digests[0])
    expect(digests[2]).not.toBe(digests[0])
  })
})

describe('what cannot be done is told with a code', () => {
  const codeOf = async (args: readonly string[], cwd = temporaryFolder()) => {
    const { code, stdout, stderr } = await runCli(cwd, [...args, '--json'])
    expect(stdout).toBe('')
    return { exit: code, code: JSON.parse(stderr.trim().split('\n').at(-1)!).error.code }
  }

  test('no such run, no such data, no GPU', async () => {
    expect(await codeOf(['sample', 'runs/none'])).toEqual({ exit: 1, code: 'RUN_NOT_FOUND' })
    expect(await codeOf(['train', './none', '--size', '16'])).toEqual({ exit: 1, code: 'DATA_NOT_FOUND' })
    expect(await codeOf(['train', ...quick, '--device', 'cuda'])).toEqual({ exit: 1, code: 'CUDA_UNAVAILABLE' })
    expect(await codeOf(['train', ...quick, '--variant', '0.26', '--dim', '12'])).toEqual({
      exit: 2,
      code: 'OPTION_INVALID',
    })
  })

  test('a run is not gone on with under other options', async () => {
    const cwd = temporaryFolder()
    await runCli(cwd, ['train', ...quick])
    expect(await codeOf(['train', ...quick, '--resume', '--lr', '0.5'], cwd)).toEqual({
      exit: 1,
      code: 'RESUME_MISMATCH',
    })
    expect(runsIn(cwd)).toEqual(['00000-diffusion-16-icons'])
  })
})

describe('verify', () => {
  test('tells every file of a run and ends with 0; with 1 where one is damaged', async () => {
    const cwd = temporaryFolder()
    await runCli(cwd, ['train', ...quick])
    const run = 'runs/00000-diffusion-16-icons'
    const fine = await runCli(cwd, ['verify', run])
    expect(fine, fine.stderr).toMatchObject({ code: 0, stderr: expect.stringContaining('as they were written') })
    expect(fine.stdout).toMatch(/^whole {4}checkpoints\/000000012 +\d+ tensors/m)
    truncateSync(join(cwd, run, 'checkpoints/000000012/model.safetensors'), 100)
    const damaged = await runCli(cwd, ['verify', run, '--json'])
    expect(damaged).toMatchObject({ code: 1 })
    const { whole, checks } = JSON.parse(damaged.stdout)
    expect(whole).toBe(false)
    expect(checks.filter(({ state }: { state: string }) => state === 'damaged')).toEqual([
      { path: 'checkpoints/000000012', state: 'damaged', detail: expect.stringContaining('model.safetensors has 100') },
    ])
    expect((await runCli(cwd, ['verify', 'none'])).code).toBe(1)
  })
})

describe('doctor', () => {
  test('finds this machine ready to train, by loading everything in a process of its own', async () => {
    const { code, stdout, stderr } = await runCli(temporaryFolder(), ['doctor', '--json'])
    expect(code, stdout + stderr).toBe(0)
    const { ok, checks } = JSON.parse(stdout)
    expect(ok).toBe(true)
    expect(checks.map(({ name }: { name: string }) => name)).toEqual([
      ...['system', 'node', 'addon', 'libtorch', 'load', 'gpu', 'pictures', 'metrics', 'environment'],
    ])
  })

  test('--gpu without a GPU: CUDA_UNAVAILABLE, in one line', async () => {
    vi.stubEnv('SHINSAKU_DEVICE', 'cpu')
    const { code, stdout, stderr } = await runCli(temporaryFolder(), ['doctor', '--gpu']).finally(vi.unstubAllEnvs)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('CUDA_UNAVAILABLE')
  })
})

test('help loads nothing native, and a reader that has seen enough is no error', () => {
  const help = `"${process.execPath}" "${cliProgram}" train --help`
  const piped = execFileSync('sh', ['-c', `${help} | head -1`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  expect(piped).toBe('Usage: shinsaku train [options] [data...]\n')
  const mapped = execFileSync(process.execPath, ['--import', listLibraries, cliProgram, 'train', '--help'], {
    encoding: 'utf8',
  })
  expect(mapped).toContain('Usage: shinsaku train')
  expect(mapped).toContain('libraries: ')
  expect(mapped).not.toMatch(/libtorch|libvips|\.node\b/)
})
