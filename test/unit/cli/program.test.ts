import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { givenTrainOptions } from '../../../lib/cli/config.ts'
import { reportFailure } from '../../../lib/cli/failure.ts'
import { table } from '../../../lib/cli/format.ts'
import { onStopSignals } from '../../../lib/cli/io.ts'
import { ShinsakuError } from '../../../lib/errors.ts'
import { fakeIo, shinsaku } from '../../helpers/cli.ts'
import { fakeRun } from '../../helpers/fake-run.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { fileOf, fixture } from '../../helpers/torch-files.ts'

describe('help', () => {
  test('lists the commands and the exit codes, on stdout, with exit code 0', async () => {
    const { code, stdout, stderr } = await shinsaku('--help')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const word of ['train', 'sample', 'describe', 'cache', 'setup', '129', '130', '143'])
      expect(stdout).toContain(word)
  })

  test('of train groups flags by model and shows defaults, per variant where they differ', async () => {
    const { stdout } = await shinsaku('train', '--help')
    const plain = stdout.replace(/\s+/g, ' ')
    expect(plain).toContain(
      '--size <N> Side of the square pictures, in pixels. (default: diffusion 128; dcgan 64 (chainer: 96)',
    )
    expect(plain).toContain('--[no-]flip Mirror half of the pictures at random. (default: diffusion on; ')
    expect(plain).toContain('--betas <A,B,...> ')
    expect(plain).toContain(
      'How the learning rate changes from warm-up to maxImages. One of: constant, linear, cosine. (default: constant)',
    )
    expect(stdout.match(/^\S.*:$/gm)).toEqual([
      'Arguments:',
      'Options of the command line:',
      'Options of every model:',
      'Options of model "diffusion":',
      'Options of model "dcgan":',
      'Options of model "pgan":',
      'Options of model "stylegan2":',
      'Options of model "classifier":',
    ])
    expect(stdout).not.toContain('--no-flip')
  })

  test('help COMMAND is COMMAND --help', async () => {
    expect(await shinsaku('help', 'train')).toEqual(await shinsaku('train', '--help'))
    expect(await shinsaku('help')).toEqual(await shinsaku('--help'))
    expect(await shinsaku('help', 'trian')).toMatchObject({ code: 2, stdout: '' })
  })

  test('comes on stderr, with exit code 2, where no command is given', async () => {
    const { code, stdout, stderr } = await shinsaku()
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('Usage: shinsaku')
  })

  test('version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
    expect(await shinsaku('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })
})

describe('a wrong call ends with exit code 2 and says what was meant', () => {
  test.each([
    [['trian', './icons'], 'COMMAND_UNKNOWN', 'trian', 'Did you mean train?'],
    [['train', '--dim-mult', '1,2'], 'OPTION_INVALID', '--dim-mult: is not an option; did you mean --dim-mults?', ''],
    [['train', '--size'], 'OPTION_INVALID', '--size', '--help'],
    [['sample', 'a', 'b'], 'OPTION_INVALID', 'too many arguments', '--help'],
    [['setup', '--cpu', '--cuda'], 'OPTION_INVALID', 'not both', ''],
    [['sample', 'run', '-o', 'a.png', '--grid', 'b.png'], 'OPTION_INVALID', 'a.png', ''],
    [['sample', 'run', '-o', 'folder', '--grid', 'b.jpg'], 'OPTION_INVALID', 'b.jpg', ''],
    [
      ['sample', 'run', '-o', 'grid.jpg'],
      'OPTION_INVALID',
      'out: expected the path of a folder, or of a .png or .webp',
      '',
    ],
  ])('%j', async (args, errorCode, text, hint) => {
    const { code, stdout, stderr } = await shinsaku(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`error [${errorCode}] `)
    expect(stderr).toContain(text)
    expect(stderr).toContain(hint)
    expect(stderr).not.toContain('    at ')
  })

  test.each([
    [['sample', 'model-10.pt', '--size', '64'], 'RUN_NOT_FOUND', `There is no ${resolve('model-10.pt')}`],
    [['sample', 'model-10.pt'], 'RUN_NOT_FOUND', `There is no ${resolve('model-10.pt')}`],
    [['describe', 'nope'], 'DATA_NOT_FOUND', 'There is no nope: neither a run folder nor pictures'],
    [['verify', 'nope'], 'RUN_NOT_FOUND', 'nope'],
    [['sample'], 'RUN_NOT_FOUND', 'There is no run with a checkpoint in runs'],
  ])('what is not there is said to be so: %j', async (args, errorCode, text) => {
    const { code, stderr } = await shinsaku(
      ...args,
      ...(args[0] === 'sample' ? ['-o', join(temporaryFolder(), 'a.png')] : []),
    )
    expect(code).toBe(1)
    expect(stderr).toContain(`error [${errorCode}] `)
    expect(stderr).toContain(text)
  })

  test('sample: a target that cannot be written is met before the run is looked for', async () => {
    const { code, stderr } = await shinsaku('sample', 'no-run', '-o', join(temporaryFolder(), 'none', 'grid.png'))
    expect(code).toBe(1)
    expect(stderr).toContain('error [FILE_FAILED] ')
    expect(stderr).toContain('there is no folder')
  })

  test('every wrong option of a run is listed', async () => {
    const { code, stderr } = await shinsaku('train', '--size', 'large', '--lr', '-1', '--latent', '5')
    expect(code).toBe(2)
    for (const name of ['size', 'lr', 'latent']) expect(stderr).toContain(`\n  ${name}: `)
  })

  test('and so are flags that are not there, each with what is meant, wherever they stand', async () => {
    const args =
      'train icons --image-size 64 --lr -1 --learning-rate=1e-4 --batch-size 8 --sizee 3 --latent 5 --no-mirror'
    const { code, stdout, stderr } = await shinsaku(...args.split(' '))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const lines = [
      '--image-size: is not an option; here it is --size',
      '--learning-rate: is not an option; here it is --lr',
      '--batch-size: is not an option; here it is --batch',
      '--sizee: is not an option; did you mean --size?',
      '--no-mirror: is not an option; here it is --flip',
      'latent: applies to models "dcgan" and "pgan" and "stylegan2" only',
      'lr: ',
    ]
    for (const line of lines) expect(stderr).toContain(`\n  ${line}`)
    expect(stderr).toContain('7 options are wrong')
  })

  test.each([
    ['train', '--data', 'here it is an argument, written without a flag'],
    ['describe', '--data-dir', 'here it is an argument, written without a flag'],
    ['import', '--data', 'is not an option'],
    ['train', '--outdir', 'here it is --out'],
    ['train', '--workers', 'here it is --loader-workers'],
    ['train', '--save-every', 'here it is --checkpoint-images'],
    ['train', '--epochs', 'here it is --max-images, epochs times the number of pictures'],
    ['train', '--steps', 'here it is --max-images, steps times batch times accumulate'],
    ['sample', '--num-steps', 'here it is --steps'],
    ['sample', '--num-samples', 'here it is --count'],
    ['sample', '--use-ema', 'here it is --weights'],
  ])('%s %s', async (command, flag, text) => {
    const { code, stderr } = await shinsaku(command, 'x', flag, '3')
    expect(code).toBe(2)
    expect(stderr).toContain(`${flag}: `)
    expect(stderr).toContain(text)
  })

  test('with --json the error is one JSON object on stderr', async () => {
    const { code, stderr } = await shinsaku('train', '--size', 'large', '--json')
    expect(code).toBe(2)
    const { error } = JSON.parse(stderr)
    expect(error).toMatchObject({ code: 'OPTION_INVALID', details: { problems: [{ path: 'size' }] } })
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })

  test('with --debug the stack is shown', async () => {
    const { stderr } = await shinsaku('train', '--size', 'large', '--debug')
    expect(stderr).toContain('    at ')
  })
})

describe('ls', () => {
  test('says what each run is, the newest first; with --json as one list', async () => {
    const out = temporaryFolder()
    fakeRun(join(out, '00000-old'), { images: 1_280, loss: 0.25, ageSeconds: 7200 })
    fakeRun(join(out, '00001-new'), { images: 64, loss: 1, ageSeconds: 5 })
    const { code, stdout } = await shinsaku('ls', out)
    expect(code).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^run +images +loss +last change +size$/)
    expect(lines[1]).toMatch(/00001-new +64 +1\.00 +\d s ago +\d+ B$/)
    expect(lines[2]).toMatch(/00000-old +1,280 +0\.250 +2 h 00 m ago +\d+ B$/)
    const json = JSON.parse((await shinsaku('ls', out, '--json')).stdout)
    expect(json).toMatchObject([
      { run: join(out, '00001-new'), images: 64, loss: 1, training: false, model: 'diffusion', size: 16 },
      { run: join(out, '00000-old'), images: 1280, loss: 0.25 },
    ])
  })

  test('of a folder without runs, or that is not there', async () => {
    for (const folder of [temporaryFolder(), join(temporaryFolder(), 'none')]) {
      expect(await shinsaku('ls', folder)).toEqual({ code: 0, stdout: '', stderr: `There are no runs in ${folder}.\n` })
      expect(await shinsaku('ls', folder, '--json')).toMatchObject({ code: 0, stdout: '[]\n' })
    }
  })
})

describe('a failure', () => {
  const report = (error: unknown, options = { json: false, debug: false }) => {
    const { io, written } = fakeIo()
    return { code: reportFailure(error, io, options), stderr: written.stderr }
  }

  test('of a run ends with exit code 1, its code, message and hint', () => {
    const error = new ShinsakuError('DATA_EMPTY', 'nothing in ./x', { hint: 'Look elsewhere.' })
    expect(report(error)).toEqual({ code: 1, stderr: 'error [DATA_EMPTY] nothing in ./x\nhint Look elsewhere.\n' })
  })

  test('without a code is told as it is, its cause under --debug', () => {
    expect(report(new TypeError('odd'))).toEqual({ code: 1, stderr: 'error odd\n' })
    expect(report(new Error('odd', { cause: new Error('deep') }), { json: false, debug: true }).stderr).toContain(
      'cause: Error: deep',
    )
    expect(JSON.parse(report(new TypeError('odd'), { json: true, debug: false }).stderr).error.code).toBeNull()
  })

  test('is coloured on a terminal that has colours only', () => {
    const coloured = (isTTY: boolean, hasColors: boolean) => {
      const { io, written } = fakeIo()
      reportFailure(
        new Error('odd'),
        { ...io, stderr: { ...io.stderr, isTTY, hasColors: () => hasColors } },
        { json: false, debug: false },
      )
      return written.stderr.includes('\u001B[31m')
    }
    expect([coloured(true, true), coloured(true, false), coloured(false, true)]).toEqual([true, false, false])
  })
})

test('the first signal asks for a stop, the second ends the process with its code', () => {
  const { io, exits, signals } = fakeIo()
  const asked: string[] = []
  const undo = onStopSignals(io, (signal) => asked.push(signal))
  signals.emit('SIGTERM')
  expect([asked, exits]).toEqual([['SIGTERM'], []])
  signals.emit('SIGINT')
  signals.emit('SIGTERM')
  signals.emit('SIGHUP')
  expect(exits).toEqual([130, 143, 129])
  undo()
  expect(['SIGHUP', 'SIGINT', 'SIGTERM'].map((signal) => signals.listenerCount(signal))).toEqual([0, 0, 0])
})

test('a signal that is not among those that ask for an end is left alone', () => {
  const { io, signals } = fakeIo()
  onStopSignals({ ...io, stopSignals: ['SIGINT'] }, () => {})
  expect([signals.listenerCount('SIGHUP'), signals.listenerCount('SIGINT')]).toEqual([0, 1])
})

describe('--config', () => {
  const file = (content: string) => {
    const path = join(temporaryFolder(), 'options.json')
    writeFileSync(path, content)
    return path
  }

  test('gives options, and flags win over them', async () => {
    const config = file('{"size": 64, "dimMults": [1, 2], "data": "elsewhere"}')
    expect(await givenTrainOptions([], { config, size: '32' })).toEqual({
      size: 32,
      dimMults: [1, 2],
      data: 'elsewhere',
    })
    expect(await givenTrainOptions(['a.png', 'b.png'], { config })).toMatchObject({ data: ['a.png', 'b.png'] })
    expect(await givenTrainOptions(['icons'], {})).toEqual({ data: 'icons' })
  })

  test('may begin with a byte order mark', async () => {
    expect(await givenTrainOptions([], { config: file('\uFEFF{"size": 64}') })).toEqual({ size: 64 })
  })

  test("takes a run's config.json as it is", async () => {
    const config = file('{"format": 1, "shinsaku": "0.1.0", "options": {"size": 64, "holdout": 9}}')
    expect(await givenTrainOptions([], { config })).toEqual({ size: 64, holdout: 9 })
  })

  test.each([
    ['{"sizee": 64}', 'did you mean "size"?'],
    ['{"size": 64', 'is not JSON'],
    ['[1]', 'must hold a JSON object'],
  ])('refuses %s', async (content, text) => {
    const { code, stderr } = await shinsaku('train', '--config', file(content))
    expect(code).toBe(2)
    expect(stderr).toContain('[OPTION_INVALID]')
    expect(stderr).toContain(text)
  })

  test('that does not exist is a failed read', async () => {
    const { code, stderr } = await shinsaku('train', '--config', join(temporaryFolder(), 'none.json'))
    expect(code).toBe(1)
    expect(stderr).toContain('[FILE_FAILED]')
  })
})

test('tables are aligned, numbers to the right', () => {
  expect(
    table(
      [
        ['a', 'x', 12_345],
        ['bbb', '', 6],
      ],
      ' ',
    ),
  ).toEqual([' a    x  12,345', ' bbb          6'])
})

describe('import and export', () => {
  test('import prints the run folder and what it assumed; --json gives an object', async () => {
    const out = temporaryFolder()
    const path = fileOf(fixture('netG.pth'), 'netG.pth')
    const { code, stdout, stderr } = await shinsaku('import', path, '-o', out, '--images', '640')
    expect({ code, stdout }, stderr).toEqual({ code: 0, stdout: `${join(out, '00000-dcgan-64-netG')}\n` })
    expect(stderr).toContain('There is no discriminator')
    expect(stderr).toContain('shinsaku train --resume')
    const json = await shinsaku('import', path, '-o', out, '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({
      run: join(out, '00001-dcgan-64-netG'),
      images: 0,
      options: { width: 2 },
    })
    const exported = await shinsaku(
      'export',
      join(out, '00000-dcgan-64-netG'),
      '-o',
      join(out, 'g.safetensors'),
      '--json',
    )
    expect(JSON.parse(exported.stdout)).toMatchObject({ weights: 'raw', tensors: 25, path: join(out, 'g.safetensors') })
  })

  test.each([
    [['import'], 'OPTION_INVALID', "'file'"],
    [['import', 'none.pt'], 'FILE_FAILED', 'none.pt'],
    [['import', 'none.pt', '--size', 'large'], 'FILE_FAILED', 'none.pt'],
    [['import', 'a', 'b', 'c'], 'OPTION_INVALID', 'files'],
    [['import', 'a', '--resume'], 'OPTION_INVALID', '--resume'],
    [['export', 'none', '-o', 'x.pt'], 'OPTION_INVALID', '.safetensors'],
    [['export', 'none', '--weights', 'both'], 'OPTION_INVALID', 'both'],
    [['export', 'none'], 'RUN_NOT_FOUND', 'none'],
  ])('%j', async (args, errorCode, text) => {
    const { stdout, stderr } = await shinsaku(...args)
    expect(stdout).toBe('')
    expect(stderr).toContain(`error [${errorCode}] `)
    expect(stderr).toContain(text)
  })
})
