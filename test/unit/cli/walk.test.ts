/** What `shinsaku walk` says and writes, over a model that is played. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { runCommandLine } from '../../../lib/cli/program.ts'
import { load } from '../../../lib/sampling/load.ts'
import { fakeIo, shinsaku } from '../../helpers/cli.ts'
import { fakeModel } from '../../helpers/fake-model.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

vi.mock('../../../lib/sampling/load.ts', () => ({ load: vi.fn() }))

const loaded = (...model: Parameters<typeof fakeModel>) =>
  vi.mocked(load).mockImplementation(async () => fakeModel(...model).model)

test('an animation: its path, and what it is of', async () => {
  loaded()
  const path = join(temporaryFolder(), 'walk.gif')
  const done = await shinsaku('walk', 'run', '-o', path, '--seeds', '1,2', '--steps', '3', '--loop', '--fps', '5')
  expect(done).toMatchObject({ code: 0, stdout: `${path}\n` })
  expect(done.stderr).toContain('Walked through 6 pictures with the latest weights after 120 images.')
})

test('a folder: each path, as JSON for programs', async () => {
  loaded()
  const folder = join(temporaryFolder(), 'frames')
  const done = await shinsaku('walk', 'run', '-o', folder, '--seeds', '1,2', '--steps', '1', '--json')
  const files = ['frame-00000.png', 'frame-00001.png'].map((name) => join(folder, name))
  expect(JSON.parse(done.stdout)).toEqual({ run: 'run', images: 120, pictures: 2, files })
})

test.each([
  [['-o', 'a.jpg'], 'out: must end in .webp'],
  [['-o', 'folder', '--fps', '5'], 'fps: is for an animation'],
  [['-o', 'a.webp', '--overwrite'], 'overwrite: is for a folder of pictures'],
  [['-o', 'a.webp', '--seeds', '1'], 'seeds'],
  [['-o', 'a.webp', '--fps', 'fast'], 'fps: must be a number from 1 to 50'],
])('%j is a wrong call', async (flags, said) => {
  loaded()
  const { code, stdout, stderr } = await shinsaku('walk', 'run', ...flags)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(said)
})

test('stopped by Ctrl-C, it says what is kept', async () => {
  const folder = temporaryFolder()
  for (const [out, said] of [
    [join(folder, 'walk.webp'), 'Stopped; nothing was written.'],
    [join(folder, 'frames'), 'Stopped; 2 pictures are kept.'],
  ] as const) {
    const { io, written, signals } = fakeIo()
    loaded({}, (call) => {
      if (call === 2) signals.emit('SIGINT')
    })
    expect(await runCommandLine(['walk', 'run', '-o', out], io)).toBe(130)
    expect(written.stderr).toContain(said)
  }
  expect(readdirSync(folder)).toEqual(['frames'])
})
