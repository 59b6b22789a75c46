/** LICENSES.csv: what it says, and what is wrong with it. */
import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readLicences } from '../../../lib/data/licences.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const paths = ['a.png', 'b.png', 'c.png', 'c.gif', 'sub/a.png', 'sub/b.png', 'a\nb"c.png']

async function read(text: string | Uint8Array) {
  const folder = temporaryFolder()
  await writeFile(join(folder, 'LICENSES.csv'), text)
  return readLicences(folder, paths)
}

const refuse = (text: string | Uint8Array, line: number, message: RegExp) =>
  expect(read(text)).rejects.toMatchObject({
    code: 'LICENSES_INVALID',
    message: expect.stringMatching(message),
    details: { line },
  })

describe('readLicences', () => {
  test('no file is no licences', async () => expect(await readLicences(temporaryFolder(), paths)).toBeNull())

  test('the last row that fits counts', async () => {
    const licences = await read(
      'file,licence,author,source\n**,CC0-1.0,all,\nsub/*,MIT,sub,https://x\nsub/a.png,CC-BY-4.0,"A, B",\nb.png,X,,\n*.png,Y,,\n',
    )
    expect(licences?.of('c/d/e.png')).toMatchObject({ licence: 'CC0-1.0', author: 'all', source: null })
    expect(licences?.of('sub/b.png')).toMatchObject({ licence: 'MIT', source: 'https://x' })
    expect(licences?.of('sub/a.png')).toMatchObject({ licence: 'CC-BY-4.0', author: 'A, B' })
    expect(licences?.of('b.png')).toMatchObject({ licence: 'Y', author: null })
  })

  test('what fits nothing is known', async () => {
    const licences = await read('file,licence\na.png,MIT\nb.png,MIT\nsub/*,MIT\n*.gif,MIT\nnowhere.png,MIT\n')
    expect(licences?.of('a.png')?.licence).toBe('MIT')
    expect(licences?.of('c.gif')?.licence).toBe('MIT')
    expect(licences?.of('d.png')).toBeUndefined()
    expect(licences?.unused()).toEqual({ count: 3, first: ['nowhere.png', 'b.png', 'sub/*'] })
  })

  test('columns in any order and spelling, byte order mark, line ends of Windows, empty lines', async () => {
    const licences = await read('\uFEFFLicense, OptOut ,Glob\r\n\r\nMIT,Yes,a.png\r\nMIT,no,b.png\r\nMIT,,c.png\r\n')
    expect(['a.png', 'b.png', 'c.png'].map((path) => licences?.of(path)?.optOut)).toEqual([true, false, false])
  })

  test('names with newlines and quotes', async () => {
    const licences = await read('file,licence\n"a\nb""c.png",MIT\nd.png,Z\n')
    expect(licences?.of('a\nb"c.png')?.licence).toBe('MIT')
  })

  test('what is wrong is said with its line', async () => {
    await refuse('', 1, /line 1: the file is empty/)
    await refuse('file,author\na.png,b\n', 1, /line 1: the column licence is missing/)
    await refuse('licence\nMIT\n', 1, /line 1: the column file is missing/)
    await refuse('file,licence,colour\n', 1, /line 1: .*but got "colour"/)
    await refuse('file,glob,licence\n', 1, /line 1: two columns mean the same/)
    await refuse('file,licence\na.png,MIT\nb.png\n', 3, /line 3: /)
    await refuse('file,licence\na.png,MIT\nb.png,\n', 3, /line 3: the licence is empty/)
    await refuse('file,licence\n,MIT\n', 2, /line 2: the file is empty/)
    await refuse('file,licence,optOut\na.png,MIT,maybe\n', 2, /line 2: .*but got "maybe"/)
    await refuse('file,licence\na.png,"MIT\n', 2, /line \d+: /)
  })

  test('what cannot be read is said', async () => {
    await expect(read(Uint8Array.of(0xff, 0xfe, 0x00))).rejects.toMatchObject({ code: 'LICENSES_INVALID' })
    const folder = temporaryFolder()
    execFileSync('mkfifo', [join(folder, 'LICENSES.csv')])
    await expect(readLicences(folder, paths)).rejects.toMatchObject({ code: 'LICENSES_INVALID' })
  })
})
