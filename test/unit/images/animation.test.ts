/** Animations: every picture and the packet come back from each format, and what a format cannot hold is refused. */
import { buffer } from 'node:stream/consumers'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { type AnimationFormat, encodeAnimation } from '../../../lib/images/animation.ts'
import { addXmpToGif } from '../../../lib/images/gif.ts'
import { readXmp } from '../../../lib/images/xmp.ts'
import { noise } from '../../helpers/pictures.ts'

const [width, height] = [6, 5]
const shapeOf = (channels: number) => ({ width, height, channels })

/** Pictures of few colours, so that a palette holds them, each different from the others. */
const picture = (index: number, channels: number) =>
  Uint8Array.from({ length: width * height * channels }, (_, i) => (noise(i * 7 + index) & 1) * 255)

async function* pictures(count: number, channels: number) {
  for (let i = 0; i < count; i++) yield picture(i, channels)
}

const settings = { model: 'dcgan', walk: '1 2' }
const encode = (format: AnimationFormat, channels: number, count = 3, given = count) =>
  buffer(encodeAnimation(pictures(given, channels), shapeOf(channels), { count, milliseconds: 40 }, format, settings))

/** The chunks of a PNG file. */
function chunksOf(png: Buffer): { type: string; content: Buffer; bytes: Buffer }[] {
  const chunks: { type: string; content: Buffer; bytes: Buffer }[] = []
  for (let at = 8; at < png.length; ) {
    const end = at + 12 + png.readUInt32BE(at)
    const bytes = png.subarray(at, end)
    chunks.push({ type: bytes.toString('latin1', 4, 8), content: bytes.subarray(8, -4), bytes })
    at = end
  }
  return chunks
}

/** Each picture of an animated PNG as a still one, by the letter of the specification. */
async function stills(png: Buffer, channels: number): Promise<Buffer[]> {
  const { encodePng } = await import('../../../lib/images/png.ts')
  const blank = await buffer(encodePng([new Uint8Array(width * height * channels)], shapeOf(channels)))
  const [header, , end] = chunksOf(blank)
  const { crc32 } = await import('node:zlib')
  const found: Buffer[][] = []
  for (const { type, content } of chunksOf(png)) {
    if (type === 'fcTL') found.push([])
    if (type === 'IDAT') found.at(-1)!.push(content)
    if (type === 'fdAT') found.at(-1)!.push(content.subarray(4))
  }
  return found.map((parts) => {
    const data = Buffer.concat([Buffer.from('IDAT'), ...parts])
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length - 4)
    check.writeUInt32BE(crc32(data))
    return Buffer.concat([blank.subarray(0, 8), header!.bytes, length, data, check, end!.bytes])
  })
}

describe.each([1, 3, 4])('%i channels', (channels) => {
  test('PNG: numbered pictures and timing as the specification says, all pixels, and the packet', async () => {
    const bytes = await encode('png', channels)
    const chunks = chunksOf(bytes)
    const controls = chunks.filter(({ type }) => ['fcTL', 'fdAT'].includes(type))
    expect(chunks.find(({ type }) => type === 'acTL')!.content.readUInt32BE(0)).toBe(3)
    expect(controls.map(({ content }) => content.readUInt32BE(0))).toEqual(controls.map((_, i) => i))
    expect([controls[0]!.content.readUInt16BE(20), controls[0]!.content.readUInt16BE(22)]).toEqual([40, 1000])
    const each = await stills(bytes, channels)
    expect(each).toHaveLength(3)
    for (const [i, still] of each.entries()) {
      const read = sharp(still)
      const raw = await (channels === 1 ? read.toColourspace('b-w') : read).raw().toBuffer()
      expect(raw.equals(picture(i, channels))).toBe(true)
    }
    const { xmp } = await sharp(bytes).metadata()
    expect(readXmp(xmp!.toString())!.settings).toEqual(settings)
  })

  test('WebP: all pixels, timing, for ever, and the packet', async () => {
    const bytes = await encode('webp', channels)
    const { pages, delay, loop, xmp } = await sharp(bytes, { animated: true }).metadata()
    expect({ pages, delay, loop }).toEqual({ pages: 3, delay: [40, 40, 40], loop: 0 })
    expect(readXmp(xmp!.toString())!.settings).toEqual(settings)
    const read = sharp(bytes, { animated: true })
    const plain = channels === 4 ? read : read.removeAlpha()
    const raw = await (channels === 1 ? plain.extractChannel(0) : plain).raw().toBuffer()
    const expected = Buffer.concat([0, 1, 2].map((i) => picture(i, channels)))
    if (channels < 4) expect(raw.equals(expected)).toBe(true)
    else {
      // What is transparent has no colour.
      const visible = (from: Buffer) => from.map((value, i) => (from[i | 3] === 0 ? 0 : value))
      expect(Buffer.compare(visible(raw), visible(expected))).toBe(0)
    }
  })

  test('GIF: all pictures, timing, for ever, and the packet', async () => {
    const bytes = await encode('gif', channels)
    const { pages, delay, loop } = await sharp(bytes, { animated: true }).metadata()
    expect({ pages, delay, loop }).toEqual({ pages: 3, delay: [40, 40, 40], loop: 0 })
    const packet = bytes.toString('utf8').match(/XMP DataXMP([\s\S]*?<\?xpacket end="r"\?>)/)![1]!
    expect(readXmp(packet)!.settings).toEqual(settings)
    if (channels !== 3) return
    const raw = await sharp(bytes, { animated: true }).removeAlpha().raw().toBuffer()
    expect(raw.equals(Buffer.concat([0, 1, 2].map((i) => picture(i, 3))))).toBe(true)
  })
})

test('a packet goes behind the colours that a GIF has for all pictures, and before the rest', async () => {
  const gif = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
    .gif()
    .toBuffer()
  const changed = Buffer.from(addXmpToGif(gif, 'packet'))
  const at = changed.indexOf('XMP DataXMP') - 3
  expect([...changed.subarray(at, at + 3)]).toEqual([0x21, 0xff, 11])
  // A reader of sub-blocks that steps into the trailer anywhere comes to its end.
  const trailer = changed.subarray(at + 14 + 6, at + 14 + 6 + 258)
  for (let i = 1; i < 257; i++) expect(i + trailer[i]! + 1).toBe(257)
  expect(trailer[257]).toBe(0)
  expect(Buffer.concat([changed.subarray(0, at), changed.subarray(at + 14 + 6 + 258)]).equals(gif)).toBe(true)
})

test('too few pictures are refused, and more pixels than are encoded in memory', async () => {
  await expect(encode('png', 3, 3, 2)).rejects.toThrow('An animation of 3 pictures got 2')
  const huge = { width: 512, height: 512, channels: 3 }
  for (const format of ['webp', 'gif'] as const) {
    const bytes = encodeAnimation(pictures(0, 3), huge, { count: 600, milliseconds: 40 }, format, {})
    await expect(buffer(bytes)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringContaining('name a .png file or a folder'),
    })
  }
})
