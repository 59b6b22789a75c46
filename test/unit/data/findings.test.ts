/** What is suspicious is found under its reason, and pictures as they should be are left alone. */
import sharp, { type Sharp } from 'sharp'
import { expect, test } from 'vitest'
import { countFindings, findingsOf, type Looked } from '../../../lib/data/findings.ts'
import type { ManifestFile } from '../../../lib/data/manifest.ts'
import { drawIcon } from '../../../lib/icons/icons.ts'
import { decodePicture } from '../../../lib/images/decode.ts'
import { measuresOf } from '../../../lib/images/measures.ts'
import { settings } from '../../helpers/pictures.ts'

const SIZE = 32
const square = settings({ size: SIZE })

const fileOf = (path: string, over: Partial<ManifestFile> = {}): ManifestFile => ({
  ...{ path, sha256: path, bytes: 1, width: 128, height: 128, format: 'png' },
  ...{ licence: null, author: null, source: null, optOut: false },
  ...over,
})

const face = (index: number) =>
  sharp(Buffer.from(drawIcon(1, index)))
    .flatten({ background: '#fff' })
    .resize(128, 128)
const png = (image: Sharp) => image.png().toBuffer()
const again = async (index: number) => sharp(await png(face(index)))
const viaSmall = async (index: number, kernel: 'nearest' | 'cubic') =>
  sharp(await png((await again(index)).resize(16, 16))).resize(128, 128, { kernel })

async function look(path: string, image: Sharp | Promise<Sharp>): Promise<Looked> {
  const { pixels, width, height, format } = await decodePicture(await png(await image), path, square)
  return { file: fileOf(path, { width, height, format }), measures: measuresOf(pixels, square) }
}

const named = (looked: readonly Looked[]) =>
  findingsOf(looked, SIZE).map(({ reason, files, detail }) => [files.map(({ path }) => path).join(), reason, detail])

test('each kind of damage is found, and none of forty faces', async () => {
  const faces = await Promise.all(Array.from({ length: 40 }, (_, i) => look(`face ${i}`, face(i))))
  expect(named(faces)).toEqual([])
  const damaged = await Promise.all([
    look(
      'blurred',
      again(1).then((image) => image.blur(8)),
    ),
    look('enlarged', viaSmall(2, 'cubic')),
    look('blocks', viaSmall(3, 'nearest')),
    look(
      'small',
      again(4).then((image) => image.resize(20, 24, { fit: 'fill' })),
    ),
    look(
      'dark',
      again(5).then((image) => image.linear(0.15, 0)),
    ),
    look(
      'pale',
      again(6).then((image) => image.linear(0.15, 217)),
    ),
    look(
      'grey',
      again(7).then((image) => image.greyscale()),
    ),
    look(
      'banner',
      again(8).then((image) => image.resize(90, 300, { fit: 'cover' })),
    ),
    look('empty', sharp({ create: { width: 64, height: 64, channels: 4, background: '#0000' } })),
  ])
  expect(named([...faces, ...damaged])).toEqual([
    ['empty', 'blank', 'one colour'],
    ['blurred', 'soft', expect.stringMatching(/^detail of \d+ px$/)],
    ['enlarged', 'soft', 'detail of 16 px'],
    ['blocks', 'blocks', 'fits 16 px'],
    ['small', 'small', '20 x 24'],
    ['dark', 'dark', expect.stringMatching(/^brightness \d+$/)],
    ['pale', 'bright', expect.stringMatching(/^brightness 2\d\d$/)],
    ['grey', 'grey', 'no colour'],
    ['banner', 'aspect', '90 x 300'],
  ])
})

test('what all pictures are, is no exception: dark, pale or grey sets are not suspicious', async () => {
  const count = 12
  for (const change of [
    (image: Sharp) => image.linear(0.15, 0),
    (image: Sharp) => image.linear(0.15, 217),
    (image: Sharp) => image.greyscale(),
  ]) {
    const all = Array.from({ length: count }, async (_, i) => look(`${i}`, change(await again(i))))
    expect(named(await Promise.all(all))).toEqual([])
  }
})

test('groups of near-duplicates are one finding each; those of equal bytes are copies', async () => {
  const { measures } = await look('any', face(0))
  const of = (path: string, sha256: string, group?: number): Looked => ({
    file: fileOf(path, { sha256, ...(group !== undefined && { group }) }),
    measures,
  })
  const looked = [of('a', '1', 0), of('b', '2', 1), of('c', '1', 0), of('d', '3', 1), of('e', '2', 1), of('f', '4')]
  expect(named(looked)).toEqual([
    ['a,c', 'copies', '2 times'],
    ['b,d,e', 'nearDuplicates', '3 alike, 2 of them different files'],
  ])
  expect(countFindings(findingsOf(looked, SIZE))).toEqual({ copies: 2, nearDuplicates: 3 })
})

test('no pictures, no findings', () => expect(findingsOf([], SIZE)).toEqual([]))
