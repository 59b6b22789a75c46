/** Headers that libjpeg warns of, though the picture is whole. */
import { expect, test } from 'vitest'
import { decodePicture } from '../../../lib/images/decode.ts'
import { withoutHeaderFaults } from '../../../lib/images/jpeg-header.ts'
import { draw, noise, settings } from '../../helpers/pictures.ts'

const jpeg = () =>
  draw(40, 30, (x, y) => [noise(x), noise(y), 9])
    .jpeg()
    .toBuffer()
const insert = (bytes: Buffer, at: number, what: Buffer) =>
  Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)])
const jfif = (major: number) =>
  Buffer.from([0xff, 0xe0, 0, 16, ...Buffer.from('JFIF\0'), major, 2, 0, 0, 1, 0, 1, 0, 0])
const decode = (bytes: Uint8Array) => decodePicture(bytes, 'x', settings())

test('stray bytes between segments and a new revision of JFIF change no pixel', async () => {
  const whole = await jpeg()
  const { pixels } = await decode(whole)
  const quantization = whole.indexOf(Buffer.from('ffdb', 'hex'))
  const length = whole.readUInt16BE(quantization + 2)
  const odd: Record<string, Buffer> = {
    'after the first marker': insert(whole, 2, Buffer.from('0011ff0022ff', 'hex')),
    'between two segments': insert(whole, quantization + 2 + length, Buffer.alloc(18)),
    'before the coded picture': insert(whole, whole.indexOf(Buffer.from('ffda', 'hex')), Buffer.from('extra')),
    'a new revision': insert(whole, 2, jfif(3)),
    'a new revision and stray bytes': insert(insert(whole, 2, jfif(9)), 20, Buffer.from('stray')),
  }
  for (const [what, bytes] of Object.entries(odd)) expect((await decode(bytes)).pixels, what).toEqual(pixels)
})

test('what needs nothing is given back as it is, also what is no JPEG or has no end', async () => {
  const whole = await jpeg()
  const plain = [
    whole,
    insert(whole, 2, jfif(1)),
    whole.subarray(0, 60),
    Buffer.from('\x89PNG'),
    Buffer.from([0xff, 0xd8]),
  ]
  for (const bytes of [...plain, Buffer.from('ffd8ffe0ffff', 'hex'), new Uint8Array()])
    expect(withoutHeaderFaults(bytes)).toBe(bytes)
})

test('damage in the coded picture is still refused', async () => {
  const whole = await jpeg()
  const scan = whole.indexOf(Buffer.from('ffda', 'hex'))
  const stray = insert(whole, 2, Buffer.from('stray'))
  const cut = stray.subarray(0, -2)
  const flipped = insert(stray, scan + 60, Buffer.from('ffd9', 'hex'))
  for (const bytes of [cut, flipped])
    await expect(decode(bytes)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE', details: { path: 'x' } })
})
