/** Data sets from folders, lists and drawings, as a run sees them. */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { chmod, copyFile, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { DatasetHooks, DatasetOptions } from '../../../lib/data/dataset.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { useLittlePatience } from '../../helpers/patience.ts'
import {
  BLUE,
  type Colour,
  claimingPng,
  datasetOptions,
  flat,
  GREEN,
  loadPixels,
  pixelAt,
  RED,
} from '../../helpers/pictures.ts'

useLittlePatience()
let cacheFolder: string
beforeEach(() => {
  cacheFolder = temporaryFolder()
})

const load = (data: DatasetOptions['data'], over: Partial<DatasetOptions> = {}, hooks: DatasetHooks = {}) =>
  loadPixels(datasetOptions(data, over), { cacheFolder, ...hooks })

/** A folder of flat pictures. */
async function folderOf(pictures: Readonly<Record<string, Colour>>): Promise<string> {
  const root = temporaryFolder()
  for (const [path, colour] of Object.entries(pictures)) {
    await mkdir(join(root, path, '..'), { recursive: true })
    await flat(colour, 12, 10).png().toFile(join(root, path))
  }
  return root
}

/** The colour of each picture, which are flat. */
const colours = ({ pixels, count }: { pixels: Uint8Array; count: number }) =>
  Array.from({ length: count }, (_, i) =>
    pixelAt(pixels.subarray(i * 8 * 8 * 3, (i + 1) * 8 * 8 * 3), datasetOptions(''), 3, 4),
  )

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

describe('a folder', () => {
  test('becomes pixels and a manifest in one order', async () => {
    const root = await folderOf({ 'b.png': BLUE, 'a/z.png': GREEN, 'a.png': RED })
    const { pixels, count, size, channels, manifest } = await load(root)
    expect([count, size, channels, pixels.length]).toEqual([3, 8, 3, 3 * 8 * 8 * 3])
    expect(colours({ pixels, count })).toEqual([RED, GREEN, BLUE])
    expect(manifest.files.map(({ path }) => path)).toEqual(['a.png', 'a/z.png', 'b.png'])
    const bytes = await flat(RED, 12, 10).png().toBuffer()
    expect(manifest.files[0]).toEqual({
      path: 'a.png',
      sha256: sha256(bytes),
      bytes: bytes.length,
      width: 12,
      height: 10,
      format: 'png',
      licence: null,
      author: null,
      source: null,
      optOut: false,
    })
    const lines = manifest.files.map((file) => `${file.sha256}  "${file.path}"\n`)
    expect(manifest.digest).toBe(sha256(lines.join('')))
    expect(manifest).toMatchObject({ version: 1, count: 3, skipped: [], ignored: {} })
    expect(manifest.settings).toEqual({
      size: 8,
      channels: 3,
      background: '#ffffff',
      fit: 'cover',
      crop: 'centre',
      maxPixels: 4096 ** 2,
    })
    expect(root.endsWith(manifest.data)).toBe(true)
    expect(JSON.stringify(manifest)).not.toContain(root)
  })

  test('names may be any', async () => {
    const root = await folderOf({ '絵\n"1".png': RED })
    const { manifest } = await load(root)
    expect(manifest.files[0]?.path).toBe('絵\n"1".png')
  })

  test('the content decides what a file is', async () => {
    const root = temporaryFolder()
    await flat(RED).webp({ lossless: true }).toFile(join(root, 'a.webp'))
    await copyFile(join(root, 'a.webp'), join(root, 'b.png'))
    const { manifest } = await load(root)
    expect(manifest.files.map(({ format }) => format)).toEqual(['webp', 'webp'])
  })

  test('one picture is enough', async () => expect((await load(await folderOf({ 'a.png': RED }))).count).toBe(1))

  test('the digest knows contents and names', async () => {
    const digest = async (pictures: Record<string, Colour>) => (await load(await folderOf(pictures))).manifest.digest
    const one = await digest({ 'a.png': RED })
    expect(await digest({ 'a.png': RED })).toBe(one)
    expect(await digest({ 'b.png': RED })).not.toBe(one)
    expect(await digest({ 'a.png': BLUE })).not.toBe(one)
  })

  test('that does not exist is DATA_NOT_FOUND', async () => {
    await expect(load(join(temporaryFolder(), 'none'))).rejects.toMatchObject({
      code: 'DATA_NOT_FOUND',
      message: expect.stringContaining('ENOENT'),
    })
  })
})

describe('broken pictures', () => {
  const broken = async () => {
    const root = await folderOf({ 'b.png': BLUE, 'e.png': GREEN })
    await writeFile(join(root, 'a.png'), '')
    await writeFile(join(root, 'c.jpg'), 'text')
    await writeFile(join(root, 'd.png'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
    await writeFile(join(root, 'f.png'), claimingPng(30000, 30000))
    await symlink('none', join(root, 'g.png'))
    return root
  }

  test('are skipped by name and leave no gap', async () => {
    const dataset = await load(await broken())
    expect(colours(dataset)).toEqual([BLUE, GREEN])
    expect(dataset.pixels.length).toBe(2 * 8 * 8 * 3)
    const { skipped } = dataset.manifest
    expect(skipped.map(({ path }) => path)).toEqual(['g.png', 'a.png', 'c.jpg', 'd.png', 'f.png'])
    expect(skipped.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['it is empty', expect.stringContaining('more than 16777216 pixels')]),
    )
    expect(dataset.warnings.join('\n')).toMatch(
      /5 files not used: g\.png \(.+\), a\.png \(it is empty\), c\.jpg \(.+\) and 2 more/,
    )
  })

  test('end the call where onUnreadable is "fail", each time', async () => {
    const root = await broken()
    const first = { code: 'IMAGE_UNREADABLE', message: expect.stringMatching(/a\.png.*it is empty/) }
    await expect(load(root, { onUnreadable: 'fail' })).rejects.toMatchObject(first)
    await load(root)
    await expect(load(root, { onUnreadable: 'fail' })).rejects.toMatchObject(first)
  })

  test('alone are DATA_EMPTY, with what was found', async () => {
    const root = temporaryFolder()
    await writeFile(join(root, 'a.png'), 'text')
    await writeFile(join(root, 'b.txt'), 'text')
    for (let i = 0; i < 2; i++) {
      await expect(load(root)).rejects.toMatchObject({
        code: 'DATA_EMPTY',
        message: expect.stringMatching(
          /: it has 1 file that cannot be used: a\.png \(it is not a JPEG.*; 1 file of other kinds: \.txt 1/,
        ),
        details: { skipped: [{ path: 'a.png' }], ignored: { txt: 1 } },
      })
    }
    await expect(load(temporaryFolder())).rejects.toMatchObject({
      code: 'DATA_EMPTY',
      message: expect.stringContaining('it is empty'),
    })
  })

  test('a folder of links that lead out says how to use them, and the list works', async () => {
    const [elsewhere, root] = [await folderOf({ 'a.png': RED }), temporaryFolder()]
    await symlink(join(elsewhere, 'a.png'), join(root, 'link.png'))
    await expect(load(root)).rejects.toMatchObject({
      code: 'DATA_EMPTY',
      message: expect.stringContaining('link.png (a link out of the folder)'),
      hint: expect.stringMatching(/Links out of the folder are not followed.*list of files/),
    })
    expect(colours(await load([join(root, 'link.png')]))).toEqual([RED])
  })

  test('a file that may not be read is one of them', async () => {
    const root = await folderOf({ 'a.png': RED, 'b.png': BLUE })
    await chmod(join(root, 'a.png'), 0)
    await chmod(root, 0o755)
    await chmod(cacheFolder, 0o777)
    const user = process.geteuid!()
    // Nothing is forbidden to root.
    if (user === 0) process.seteuid!(65534)
    try {
      expect((await load(root)).manifest.skipped).toEqual([{ path: 'a.png', reason: 'permission denied' }])
      await expect(load(root, { onUnreadable: 'fail' })).rejects.toMatchObject({
        code: 'IMAGE_UNREADABLE',
        message: expect.stringContaining('permission denied'),
      })
      await expect(load([join(root, 'a.png')])).rejects.toMatchObject({ code: 'DATA_EMPTY' })
    } finally {
      if (user === 0) process.seteuid!(0)
    }
  })

  test('a file that changes between the two readings is one of them, and nothing is kept', async () => {
    const root = await folderOf({ 'a.png': RED, 'b.png': BLUE })
    const other = await flat(GREEN).png().toBuffer()
    const onProgress: DatasetHooks['onProgress'] = ({ phase, done, total }) => {
      if (phase === 'read' && done === total) writeFileSync(join(root, 'a.png'), other)
    }
    const { manifest } = await load(root, {}, { onProgress })
    expect(manifest.skipped).toEqual([{ path: 'a.png', reason: 'it changed while the data was read' }])
    expect(colours(await load(root))).toEqual([GREEN, BLUE])
  })
})

describe('a list of files', () => {
  test('keeps its order; paths are relative to the common folder', async () => {
    const root = await folderOf({ 'x/a.png': RED, 'x/y/b.png': GREEN, 'c.png': BLUE })
    const list = ['x/y/b.png', 'x/a.png'].map((path) => join(root, path))
    const dataset = await load(list)
    expect(colours(dataset)).toEqual([GREEN, RED])
    expect(dataset.manifest.files.map(({ path }) => path)).toEqual(['y/b.png', 'a.png'])
    expect(dataset.manifest.data).toBe('2 files')
  })

  test('one file may be given as text', async () => {
    const root = await folderOf({ 'a.png': RED })
    expect((await load(join(root, 'a.png'))).manifest).toMatchObject({ data: 'a.png', files: [{ path: 'a.png' }] })
  })

  test('uses LICENSES.csv of the common folder', async () => {
    const root = await folderOf({ 'x/a.png': RED, 'y/b.png': GREEN })
    await writeFile(join(root, 'LICENSES.csv'), 'file,licence\nx/*,MIT\n')
    const { manifest } = await load([join(root, 'y/b.png'), join(root, 'x/a.png')])
    expect(manifest.files.map(({ licence }) => licence)).toEqual([null, 'MIT'])
  })

  test('with missing files or folders in it is DATA_NOT_FOUND, and names them', async () => {
    const root = await folderOf({ 'a.png': RED })
    const call = load([join(root, 'none.png'), join(root, 'a.png'), root])
    await expect(call).rejects.toMatchObject({
      code: 'DATA_NOT_FOUND',
      message: expect.stringMatching(/none\.png: ENOENT\n.*is a folder/),
    })
  })
})

describe('duplicates', () => {
  test('are kept with a warning, or dropped by name', async () => {
    const root = await folderOf({ 'a.png': RED, 'b.png': RED, 'c.png': BLUE, 'd.png': RED })
    const kept = await load(root)
    expect(kept.count).toBe(4)
    expect(kept.warnings.join('\n')).toContain('2 of 4 pictures')
    const dropped = await load(root, { duplicates: 'drop' })
    expect(colours(dropped)).toEqual([RED, BLUE])
    expect(dropped.manifest.skipped).toEqual(
      ['b.png', 'd.png'].map((path) => ({ path, reason: 'has the same bytes as a.png' })),
    )
  })
})

describe('rights', () => {
  test('LICENSES.csv goes into the manifest; what it misses is said', async () => {
    const root = await folderOf({ 'a/1.png': RED, 'a/2.png': GREEN, 'b.png': BLUE })
    await writeFile(
      join(root, 'LICENSES.csv'),
      'file,licence,author,source,optOut\na/*,CC0-1.0,Ann,https://x,\na/2.png,MIT,Bob,,yes\nc.png,MIT,,,\n',
    )
    const { manifest, warnings } = await load(root)
    expect(manifest.files.map(({ licence, author, source, optOut }) => [licence, author, source, optOut])).toEqual([
      ['CC0-1.0', 'Ann', 'https://x', false],
      ['MIT', 'Bob', null, true],
      [null, null, null, false],
    ])
    const text = warnings.join('\n')
    expect(text).toMatch(/has no licence for 1 picture: b\.png/)
    expect(text).toMatch(/entries that match no picture: c\.png/)
    expect(text).toMatch(/rights holder forbids training or data mining: 1 picture: a\/2\.png/)
  })

  test('a malformed LICENSES.csv is refused', async () => {
    const root = await folderOf({ 'a.png': RED })
    await writeFile(join(root, 'LICENSES.csv'), 'name\n')
    await expect(load(root)).rejects.toMatchObject({ code: 'LICENSES_INVALID' })
  })

  test('an opt-out in the file itself is recorded, also from the cache', async () => {
    const root = temporaryFolder()
    const xmp = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><p>DMI-PROHIBITED</p></x:xmpmeta>'
    await flat(RED).withXmp(xmp).png().toFile(join(root, 'a.png'))
    for (let i = 0; i < 2; i++) {
      const { manifest, warnings } = await load(root)
      expect(manifest.files[0]?.optOut).toBe(true)
      expect(warnings.join('\n')).toContain('rights holder forbids training or data mining: 1 picture: a.png')
    }
  })
})

describe('warnings', () => {
  test('few and small pictures, and other files', async () => {
    const root = await folderOf({ 'a.png': RED, 'b.png': GREEN })
    await writeFile(join(root, 'notes.txt'), '')
    const text = (await load(root, { size: 16 })).warnings.join('\n')
    expect(text).toMatch(/2 pictures are few/)
    expect(text).toMatch(/Smaller than 16 pixels and enlarged: 2 pictures: a\.png, b\.png\./)
    expect(text).toMatch(/Ignored: 1 file of other kinds: \.txt 1\./)
  })
})

describe('the built-in icons', () => {
  test('are drawn from their seed, without warnings', async () => {
    const { count, manifest, warnings, pixels } = await load('builtin:icons:100:7')
    expect([count, pixels.length, warnings]).toEqual([100, 100 * 8 * 8 * 3, []])
    expect(manifest.data).toBe('builtin:icons:100:7')
    expect(manifest.files[99]).toMatchObject({
      path: 'icon-99.svg',
      format: 'svg',
      width: 8,
      height: 8,
      licence: 'MIT',
    })
    const again = await load('builtin:icons:100:7', {}, { cacheFolder: temporaryFolder() })
    expect(again.pixels).toEqual(pixels)
    expect((await load('builtin:icons:100:8')).manifest.digest).not.toBe(manifest.digest)
  })

  test('are 158 where nothing else is said', async () => {
    expect((await load('builtin:icons')).manifest).toMatchObject({ data: 'builtin:icons:158:1', count: 158 })
  })

  test.each([
    'builtin:',
    'builtin:faces',
    'builtin:icons:',
    'builtin:icons:0',
    'builtin:icons:x',
    'builtin:icons:3:',
    'builtin:icons:3:1:1',
    'builtin:icons:100001',
    'builtin:icons:3:99999999999999999',
  ])('%s is OPTION_INVALID', (data) =>
    expect(load(data)).rejects.toMatchObject({ code: 'OPTION_INVALID', details: { problems: [{ path: 'data' }] } }),
  )
})

describe('hooks', () => {
  test('progress goes through both phases', async () => {
    const root = await folderOf({ 'a.png': RED, 'b.png': GREEN, 'c.png': BLUE })
    const seen: string[] = []
    const onProgress: DatasetHooks['onProgress'] = ({ phase, done, total }) =>
      void seen.push(`${phase} ${done}/${total}`)
    await load(root, {}, { onProgress })
    expect(seen).toEqual(['read 1/3', 'read 2/3', 'read 3/3', 'decode 1/3', 'decode 2/3', 'decode 3/3'])
    seen.length = 0
    await load(root, {}, { onProgress })
    expect(seen).toEqual(['read 1/3', 'read 2/3', 'read 3/3'])
  })

  test.each(['at once', 'read', 'decode'])('an abort (%s) ends with an AbortError', async (when) => {
    const root = await folderOf(Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`${i}.png`, [i, 0, 0]])))
    const controller = new AbortController()
    if (when === 'at once') controller.abort()
    let after = 0
    const onProgress: DatasetHooks['onProgress'] = ({ phase }) => {
      if (controller.signal.aborted) after += 1
      if (phase === when) controller.abort()
    }
    const call = load(root, {}, { signal: controller.signal, onProgress })
    await expect(call).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' })
    expect(after).toBeLessThan(5)
  })

  test('pictures that do not fit in memory are OUT_OF_MEMORY', async () => {
    const root = await folderOf({ 'a.png': RED })
    vi.stubGlobal(
      'Uint8Array',
      class extends Uint8Array {
        constructor(...given: [number]) {
          if (given[0] === 1024 * 1024 * 3) throw new RangeError('Array buffer allocation failed')
          super(...given)
        }
      },
    )
    try {
      await expect(load(root, { size: 1024 })).rejects.toMatchObject({
        code: 'OUT_OF_MEMORY',
        message: expect.stringContaining('1 times 1024x1024'),
      })
    } finally {
      vi.unstubAllGlobals()
    }
  })
})
