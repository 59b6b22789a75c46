/** Pictures in tar archives: the pixels, names and labels of a folder of the same files, and archives that are refused. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import type { DatasetOptions } from '../../../lib/data/dataset.ts'
import { pictureSide } from '../../../lib/data/picture-side.ts'
import { namesOfShards } from '../../../lib/data/shards.ts'
import { openSource } from '../../../lib/data/source.ts'
import { readTar, type TarMember } from '../../../lib/files/tar.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels } from '../../helpers/pictures.ts'
import { paxMember, tarEnd, tarMember, writeTar } from '../../helpers/tar.ts'

let root: string
let cacheFolder: string
beforeEach(() => {
  root = temporaryFolder()
  cacheFolder = temporaryFolder()
})

const png = (index: number, side = 8) =>
  flat([index * 40, 255 - index * 40, 9], side)
    .png()
    .toBuffer()

const load = (data: DatasetOptions['data'], over: Partial<DatasetOptions> = {}) =>
  loadPixels(datasetOptions(data, over), { cacheFolder })

const path = (name: string) => join(root, name)

async function membersOf(file: string): Promise<TarMember[]> {
  const members: TarMember[] = []
  for await (const member of readTar(file)) members.push(member)
  return members
}

describe('pictures in archives', () => {
  test('have the pixels and hashes of a folder of the same files, in the order of archives and members', async () => {
    mkdirSync(path('plain'))
    for (let i = 0; i < 4; i++) writeFileSync(path(`plain/${i}.png`), await png(i))
    writeTar(path('s-00.tar'), [tarMember('0.png', await png(0)), tarMember('./1.png', await png(1))])
    writeTar(path('s-01.tar'), [tarMember('2.png', await png(2)), tarMember('3.png', await png(3))])
    const plain = await load(path('plain'))
    const range = await load(path('s-{00..01}.tar'))
    const list = await load([path('s-00.tar'), path('s-01.tar')])
    for (const { manifest, pixels } of [range, list]) {
      expect(pixels).toEqual(plain.pixels)
      expect(manifest.data).toBe('2 archives')
      expect(manifest.files.map((file) => file.path)).toEqual([
        's-00.tar/0.png',
        's-00.tar/1.png',
        's-01.tar/2.png',
        's-01.tar/3.png',
      ])
      expect(manifest.files.map(({ sha256 }) => sha256)).toEqual(plain.manifest.files.map(({ sha256 }) => sha256))
    }
    expect(await pictureSide(path('s-00.tar'))).toBe(8)
  })

  test('take classes, captions, attributes and folders of their samples as labels', async () => {
    const samples = [0, 1, 2, 3].map(async (i) => [
      tarMember(
        `${i % 2 ? 'cats' : 'dogs'}/${i}.json`,
        JSON.stringify({ age: i, hair: i < 2 ? 'red' : 'brown', box: [1, 2] }),
      ),
      tarMember(`${i % 2 ? 'cats' : 'dogs'}/${i}.png`, await png(i)),
      tarMember(`${i % 2 ? 'cats' : 'dogs'}/${i}.cls`, `${i % 2}\n`),
      tarMember(`${i % 2 ? 'cats' : 'dogs'}/${i}.txt`, i < 2 ? 'a girl, smiling' : 'a boy, smiling'),
    ])
    const file = writeTar(path('a.tar'), (await Promise.all(samples)).flat())
    const labelsOf = async (labels: string) => {
      const { manifest } = await load(file, { labels })
      return { labels: manifest.files.map((one) => one.labels), ignored: manifest.ignored }
    }
    const classes = await labelsOf('classes')
    expect(classes.labels).toEqual([{ class: '0' }, { class: '1' }, { class: '0' }, { class: '1' }])
    expect(classes.ignored).toEqual({ json: 4, txt: 4 })
    expect((await labelsOf('folders')).labels).toEqual(
      ['dogs', 'cats', 'dogs', 'cats'].map((name) => ({ class: name })),
    )
    expect((await labelsOf('attributes')).labels).toEqual([
      { age: 0, hair: 'red' },
      { age: 1, hair: 'red' },
      { age: 2, hair: 'brown' },
      { age: 3, hair: 'brown' },
    ])
    const captions = await labelsOf('captions')
    expect(captions.labels[0]).toEqual({ words: ['a girl'] })
    expect(captions.labels[3]).toEqual({ words: ['a boy'] })
  })

  test('classes and attributes lie beside the pictures of a folder as well', async () => {
    for (let i = 0; i < 4; i++) {
      writeFileSync(path(`${i}.png`), await png(i))
      writeFileSync(path(`${i}.cls`), i % 2 ? 'cat' : 'dog')
      writeFileSync(path(`${i}.json`), JSON.stringify({ glasses: i % 2 === 1 }))
    }
    const { manifest } = await load(root, { labels: 'classes' })
    expect(manifest.files.map(({ labels }) => labels?.class)).toEqual(['dog', 'cat', 'dog', 'cat'])
    const { manifest: other } = await load(root, { labels: 'attributes' })
    expect(other.files.map(({ labels }) => labels)).toEqual([
      { glasses: 0 },
      { glasses: 1 },
      { glasses: 0 },
      { glasses: 1 },
    ])
  })

  test('without the text that labels are in are refused, as is one that is damaged or too long', async () => {
    const first = tarMember('0.png', await png(0))
    const second = tarMember('1.png', await png(1))
    const refused = async (labels: string, members: Buffer[], message: RegExp) =>
      expect(load(writeTar(path('a.tar'), members), { labels })).rejects.toMatchObject({
        code: 'LABELS_INVALID',
        message: expect.stringMatching(message),
      })
    await refused(
      'classes',
      [first, tarMember('0.cls', '1'), second],
      /1 of 2 pictures have no class: a\.tar\/1\.cls is missing/,
    )
    await refused('attributes', [first, tarMember('0.json', '{"a":')], /a\.tar\/0\.json is not JSON/)
    await refused('attributes', [first, tarMember('0.json', '[1]')], /does not have the expected form/)
    await refused('captions', [first, tarMember('0.txt', 'x'.repeat(70_000))], /at most 65536 are read/)
    await refused('classes', [first, tarMember('0.cls', Uint8Array.of(0xff, 0xfe))], /Could not read/)
  })
})

describe('names of archives', () => {
  test('a range stands for each of its numbers, with as many digits as it is written with', () => {
    expect(namesOfShards('a/{008..010}.tar')).toEqual(['a/008.tar', 'a/009.tar', 'a/010.tar'])
    expect(namesOfShards('{9..11}.tar')).toEqual(['9.tar', '10.tar', '11.tar'])
    expect(namesOfShards('a.tar')).toEqual(['a.tar'])
  })

  test.each(['{5..4}.tar', '{0..999999999}.tar'])('%s is refused', (pattern) => {
    expect(() => namesOfShards(pattern)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  test('missing ones are named; a list is of archives or of pictures; a folder of archives says how to give them', async () => {
    const file = writeTar(path('0.tar'), [tarMember('a.png', await png(0))])
    await expect(load(path('{0..2}.tar'))).rejects.toMatchObject({
      code: 'DATA_NOT_FOUND',
      message: expect.stringMatching(/1\.tar: ENOENT\n.*2\.tar: ENOENT/),
    })
    expect((await load(path('{0..0}.tar'))).manifest.count).toBe(1)
    writeFileSync(path('b.png'), await png(1))
    await expect(load([file, path('b.png')])).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    mkdirSync(path('shards'))
    writeTar(path('shards/0.tar'), [])
    await expect(load(path('shards'))).rejects.toMatchObject({
      code: 'DATA_EMPTY',
      hint: expect.stringContaining('FOLDER/*.tar'),
    })
    await expect(load(path('shards/0.tar'))).rejects.toMatchObject({ code: 'DATA_EMPTY' })
  })
})

describe('hostile archives', () => {
  test('links, devices and names that lead out are named and left out; nothing is followed or written', async () => {
    const file = writeTar(path('a.tar'), [
      tarMember('../../out.png', await png(0)),
      tarMember('/etc/passwd.png', await png(0)),
      tarMember('link.png', '', { type: 'SymbolicLink', linkpath: '/etc/passwd' }),
      tarMember('hard.png', '', { type: 'Link', linkpath: 'good.png' }),
      tarMember('device.png', '', { type: 'CharacterDevice' }),
      tarMember('folder/', '', { type: 'Directory' }),
      tarMember('._good.png', 'of a Mac'),
      tarMember('broken.png', 'no picture'),
      tarMember('good.png', await png(1)),
    ])
    const { manifest } = await load(file)
    expect(manifest.files.map((one) => one.path)).toEqual(['a.tar/good.png'])
    expect(Object.fromEntries(manifest.skipped.map((one) => [one.path, one.reason]))).toEqual({
      'a.tar/../../out.png': 'its name leads out of the archive',
      'a.tar//etc/passwd.png': 'its name leads out of the archive',
      'a.tar/link.png': 'a link, which is not followed',
      'a.tar/hard.png': 'a link, which is not followed',
      'a.tar/device.png': 'not a regular file',
      'a.tar/broken.png': expect.stringContaining('not a JPEG'),
    })
  })

  test('long names of both forms are read; a size in an extended header counts', async () => {
    const [pax, gnu] = [`${'p'.repeat(150)}.png`, `${'g'.repeat(150)}.png`]
    const file = writeTar(path('a.tar'), [
      paxMember({ path: pax }),
      tarMember('short', await png(0)),
      tarMember('././@LongLink', `${gnu}\0`, { type: 'NextFileHasLongPath' }),
      tarMember('short', await png(1)),
      tarMember('last.png', await png(2)),
    ])
    const members = await membersOf(file)
    expect(members.map(({ name }) => name)).toEqual([pax, gnu, 'last.png'])
    const bytes = readFileSync(file)
    const { offset, bytes: length } = members[1]!
    expect(bytes.subarray(offset, offset + length)).toEqual(await png(1))
  })

  test('what is cut short, damaged, compressed, sparse or no archive is refused and named', async () => {
    const member = tarMember('a.png', await png(0))
    const flipped = Buffer.from(member)
    flipped[3]! ^= 1
    const claim = Buffer.from(tarMember('a.png', '', { size: 2 ** 40 }))
    const whole = Buffer.concat([member, tarEnd])
    const cases: [string, Buffer, RegExp][] = [
      ['empty', Buffer.alloc(0), /cut short/],
      ['without its end', member, /cut short/],
      ['in a header', whole.subarray(0, member.length + 100), /cut short/],
      ['in a member', whole.subarray(0, 600), /claims \d+ bytes, more than there are/],
      ['another checksum', Buffer.concat([flipped, tarEnd]), /checksum/],
      ['a size beyond the file', Buffer.concat([claim, tarEnd]), /claims 1099511627776 bytes/],
      ['gzip', gzipSync(whole, { level: 0 }).subarray(0, 1024), /gzip/],
      ['a picture', Buffer.concat([await png(0, 64), Buffer.alloc(512)]), /checksum|damaged/],
      ['old sparse', Buffer.concat([tarMember('a.png', '', { type: 'SparseFile' }), tarEnd]), /sparse/],
      ['new sparse', Buffer.concat([paxMember({ 'GNU.sparse.major': '1' }), member, tarEnd]), /sparse/],
      [
        'a name without end',
        Buffer.concat([tarMember('x', 'y'.repeat(70_000), { type: 'ExtendedHeader' }), tarEnd]),
        /has 70000 bytes/,
      ],
      ['a name twice', Buffer.concat([member, member, tarEnd]), /"a\.png" is in it twice/],
    ]
    for (const [name, bytes, message] of cases) {
      const file = path('hostile.tar')
      writeFileSync(file, bytes)
      await expect(openSource(file), name).rejects.toMatchObject({
        code: 'ARCHIVE_INVALID',
        message: expect.stringMatching(message),
        details: { path: file },
      })
    }
  })

  test('a folder that is named like an archive is a folder', async () => {
    mkdirSync(path('set.tar'))
    writeFileSync(path('set.tar/a.png'), await png(0))
    expect((await load(path('set.tar'))).manifest.count).toBe(1)
  })
})
