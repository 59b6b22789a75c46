/** What `shinsaku sample` says and writes, over a model that is played. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { runCommandLine } from '../../../lib/cli/program.ts'
import { load } from '../../../lib/sampling/load.ts'
import { fakeIo, shinsaku } from '../../helpers/cli.ts'
import { fakeModel } from '../../helpers/fake-model.ts'
import { fakeRun } from '../../helpers/fake-run.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

vi.mock('../../../lib/sampling/load.ts', () => ({ load: vi.fn() }))

/** What each load() gives from here on; every command disposes its own. */
const loaded = (...model: Parameters<typeof fakeModel>) =>
  vi.mocked(load).mockImplementation(async () => fakeModel(...model).model)

const grey = (_: number, size: number, channels: number) => new Uint8Array(size * size * channels).fill(128)
const checkpoint = { digest: 'c'.repeat(64) }

const cwd = process.cwd()
afterEach(() => process.chdir(cwd))

test('pictures of a single colour are said', async () => {
  const grid = join(temporaryFolder(), 'grid.png')
  loaded({}, undefined, { pixelsOf: grey })
  const flat = await shinsaku('sample', 'run', '-n', '3', '-o', grid)
  expect(flat).toMatchObject({ code: 0, stdout: `${grid}\n` })
  expect(flat.stderr).toContain('Warning: 3 of 3 are a single colour: the model has learned nothing yet')
  loaded()
  expect((await shinsaku('sample', 'run', '-n', '3', '-o', grid)).stderr).not.toContain('single colour')
})

describe('a folder', () => {
  test('that is given again is gone on with; a picture of another model refuses the command, unless it may be replaced', async () => {
    const folder = join(temporaryFolder(), 'pictures')
    loaded({}, undefined, checkpoint)
    await shinsaku('sample', 'run', '-n', '2', '-o', folder)
    const more = await shinsaku('sample', 'run', '-n', '3', '-o', folder)
    expect(more.stdout.trim().split('\n')).toHaveLength(3)
    expect(more.stderr).toContain(
      'Sampled 1 with the latest weights after 120 images. 2 of 3 files were there already.',
    )
    loaded({}, undefined, { digest: 'd'.repeat(64) })
    const other = await shinsaku('sample', 'run', '-n', '2', '-o', folder)
    expect(other).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('error [FILE_EXISTS] ') })
    expect(await shinsaku('sample', 'run', '-n', '2', '-o', folder, '--overwrite')).toMatchObject({ code: 0 })
  })
})

describe('stopped by Ctrl-C', () => {
  test.each(['grid.png', 'folder'])('-o %s keeps what is finished, and says so', async (name) => {
    const target = join(temporaryFolder(), name)
    const { io, written, signals } = fakeIo()
    loaded({}, (call) => {
      if (call === 9) signals.emit('SIGINT')
    })
    expect(await runCommandLine(['sample', 'run', '-n', '50', '-o', target], io)).toBe(130)
    if (name === 'folder') {
      expect(readdirSync(target)).toHaveLength(9)
      expect(written.stderr).toContain('9 pictures are kept. The same command goes on with the rest.')
    } else {
      expect(await sharp(target).metadata()).toMatchObject({ width: 8 * 18 + 2 })
      expect(written.stderr).toContain(`${target} holds the 9 that were finished.`)
      expect(written.stdout).toBe(`${target}\n`)
    }
  })
})

test('--scale enlarges the grid; what is no scale is refused', async () => {
  const grid = join(temporaryFolder(), 'grid.png')
  loaded()
  await shinsaku('sample', 'run', '-n', '4', '-o', grid, '--scale', '4')
  expect(await sharp(grid).metadata()).toMatchObject({ width: 2 + 2 * 66 })
  for (const scale of ['0', 'x', '2.5']) {
    const { code, stderr } = await shinsaku('sample', 'run', '-o', grid, '--scale', scale)
    expect(code).toBe(2)
    expect(stderr).toContain('scale: must be an integer from 1 to 64')
  }
})

test('where no run is named, the newest is taken and named', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'runs'))
  fakeRun(join(folder, 'runs', '00000-old'), { ageSeconds: 60 })
  fakeRun(join(folder, 'runs', '00001-new'), {})
  process.chdir(folder)
  loaded()
  const { code, stderr } = await shinsaku('sample')
  expect(code, stderr).toBe(0)
  expect(stderr).toContain('Newest run: runs/00001-new\n')
  expect(load).toHaveBeenLastCalledWith('runs/00001-new', {})
  expect(readFileSync('grid.png').length).toBeGreaterThan(100)
})
