/** Decoding: every kind of file, what is refused, fit and crop, drawings. */
import { gzipSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { describe, expect, test } from 'vitest'
import { decodePicture, type PixelSettings, renderSvg } from '../../../lib/images/decode.ts'
import { heic } from '../../helpers/odd-pictures.ts'
import {
  BLUE,
  type Colour,
  claimingPng,
  columns,
  draw,
  draw16,
  flat,
  GREEN,
  noise,
  pixelAt,
  RED,
  rows,
  settings,
  tiffOf,
  WHITE,
} from '../../helpers/pictures.ts'

const decode = async (image: Sharp | Uint8Array, over: Partial<PixelSettings> = {}) => {
  const bytes = image instanceof Uint8Array ? image : await image.png().toBuffer()
  return decodePicture(bytes, 'x', settings(over))
}

const repeat = (colour: Colour, count: number) => Array.from({ length: count }, () => colour).flat()

/** Every pixel is this colour, give or take `tolerance`. */
function expectFlat(pixels: Uint8Array, colour: Colour, tolerance = 0): void {
  expect(pixels.length % colour.length).toBe(0)
  for (const [i, value] of pixels.entries())
    expect(Math.abs(value - colour[i % colour.length]!)).toBeLessThanOrEqual(tolerance)
}

const svg = (inside: string) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">${inside}</svg>`

describe('decodePicture: what a file can be', () => {
  // Where the pixel (x, y) of a stored picture comes from in the upright one of width w and height h, by EXIF 2.3.
  const stored: Record<number, (x: number, y: number, w: number, h: number) => [number, number]> = {
    1: (x, y) => [x, y],
    2: (x, y, w) => [w - 1 - x, y],
    3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
    4: (x, y, _, h) => [x, h - 1 - y],
    5: (x, y) => [y, x],
    6: (x, y, w) => [w - 1 - y, x],
    7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
    8: (x, y, _, h) => [y, h - 1 - x],
  }

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('orientation %i stands upright', async (orientation) => {
    const [w, h] = [32, 16]
    const upright = (x: number, y: number) =>
      [
        [RED, GREEN],
        [BLUE, WHITE],
      ][y < h / 2 ? 0 : 1]![x < w / 2 ? 0 : 1]!
    const [width, height] = orientation < 5 ? [w, h] : [h, w]
    const turned = draw(width, height, (x, y) => upright(...stored[orientation]!(x, y, w, h)))
    const jpeg = await turned
      .withMetadata({ orientation })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer()
    const picture = await decode(jpeg, { fit: 'stretch' })
    expect([picture.width, picture.height, picture.format]).toEqual([w, h, 'jpeg'])
    const corners = [
      [0, 0],
      [7, 0],
      [0, 7],
      [7, 7],
    ].map(([x, y]) => pixelAt(picture.pixels, settings(), x!, y!))
    for (const [i, colour] of [RED, GREEN, BLUE, WHITE].entries()) expectFlat(Uint8Array.from(corners[i]!), colour, 6)
  })

  test('16 bits become 8: colour, grey, with alpha', async () => {
    expectFlat((await decode(draw16(8, 8, 3, (i) => [0xff00, 0x8000, 0x1000][i % 3]!))).pixels, [255, 128, 16])
    expectFlat((await decode(draw16(8, 8, 1, () => 0x6464))).pixels, [100, 100, 100])
    expectFlat(
      (
        await decode(
          draw16(8, 8, 1, () => 0x6464),
          { channels: 1 },
        )
      ).pixels,
      [100],
    )
    const half = draw16(8, 8, 4, (i) => [0xffff, 0, 0, 0x8000][i % 4]!)
    expectFlat((await decode(await half.png().toBuffer(), { background: '#00ff00' })).pixels, [128, 127, 0], 1)
  })

  test('TIFF of 8 and 16 bits, and of CIELAB, which libvips reads as floating point', async () => {
    expectFlat((await decode(tiffOf(Uint8Array.of(100), 'unsigned'))).pixels, [100, 100, 100])
    expectFlat((await decode(tiffOf(Uint8Array.of(0, 100), 'unsigned'))).pixels, [100, 100, 100])
    expectFlat((await decode(tiffOf(Uint8Array.of(0, 100), 'unsigned', 3))).pixels, [100, 100, 100])
    const lab = await flat([200, 100, 50]).toColourspace('lab').tiff({ compression: 'none' }).toBuffer()
    expect(await sharp(lab).metadata()).toMatchObject({ space: 'lab', depth: 'float' })
    expectFlat((await decode(lab)).pixels, [200, 100, 50], 2)
  })

  test('CMYK becomes sRGB', async () => {
    const jpeg = await flat([200, 100, 50]).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer()
    expect((await sharp(jpeg).metadata()).space).toBe('cmyk')
    expectFlat((await decode(jpeg)).pixels, [200, 100, 50], 6)
    expectFlat((await decode(jpeg, { channels: 4 })).pixels, [200, 100, 50, 255], 6)
  })

  test('grey becomes colour, and colour becomes grey', async () => {
    const grey = draw(8, 8, (x, y) => [noise(y * 8 + x)])
    const expected = Array.from({ length: 64 }, (_, i) => noise(i))
    expect([...(await decode(grey, { channels: 1 })).pixels]).toEqual(expected)
    expect([...(await decode(grey)).pixels]).toEqual(expected.flatMap((v) => [v, v, v]))
    expectFlat((await decode(flat([77, 77, 77]), { channels: 1 })).pixels, [77])
    const luminance = [RED, GREEN, BLUE].map(async (c) => (await decode(flat(c), { channels: 1 })).pixels[0]!)
    const [red, green, blue] = await Promise.all(luminance)
    expect(green).toBeGreaterThan(red!)
    expect(red).toBeGreaterThan(blue!)
  })

  test('palettes, with and without transparency', async () => {
    const png = await columns([RED, BLUE], 8, 8).png({ palette: true }).toBuffer()
    expect((await sharp(png).metadata()).isPalette).toBe(true)
    expect([...(await decode(png)).pixels.subarray(0, 24)]).toEqual([...repeat(RED, 4), ...repeat(BLUE, 4)])
    const clear = await columns(
      [
        [0, 0, 0, 0],
        [0, 0, 255, 255],
      ],
      8,
      8,
    )
      .png({ palette: true })
      .toBuffer()
    expect((await sharp(clear).metadata()).isPalette).toBe(true)
    expect([...(await decode(clear, { background: '#ff0000' })).pixels.subarray(0, 24)]).toEqual([
      ...repeat(RED, 4),
      ...repeat(BLUE, 4),
    ])
  })

  test('transparency goes over the background, or stays with four channels', async () => {
    const half = await flat([255, 0, 0, 128]).png().toBuffer()
    expectFlat((await decode(half)).pixels, [255, 127, 127], 1)
    expectFlat((await decode(half, { background: '#00f' })).pixels, [128, 0, 127], 1)
    expectFlat((await decode(half, { channels: 4 })).pixels, [255, 0, 0, 128])
    const clear = await flat([9, 9, 9, 0]).png().toBuffer()
    expectFlat((await decode(clear, { background: '#0a141e' })).pixels, [10, 20, 30])
    const greyClear = await flat([0, 0]).png().toBuffer()
    expect((await sharp(greyClear).metadata()).channels).toBe(2)
    expectFlat((await decode(greyClear, { background: '#ff0000' })).pixels, RED)
    expectFlat((await decode(flat(BLUE), { channels: 4 })).pixels, [0, 0, 255, 255])
  })

  test.each(['gif', 'webp', 'tiff'] as const)('of several frames, the first: %s', async (format) => {
    const frames = Buffer.concat([Buffer.alloc(8 * 8 * 3, 10), Buffer.alloc(8 * 8 * 3, 200)])
    const image = sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
    const bytes = await image.toFormat(format, { lossless: true, compression: 'lzw' }).toBuffer()
    expect((await sharp(bytes).metadata()).pages).toBe(2)
    const picture = await decode(bytes)
    expect(picture).toMatchObject({ width: 8, height: 8, format })
    expectFlat(picture.pixels, [10, 10, 10])
  })

  test.each([
    ['tiff', 0],
    ['webp', 0],
    ['avif', 4],
    ['jpeg', 4],
    ['gif', 0],
  ] as const)('format %s', async (format, tolerance) => {
    const bytes = await flat([200, 100, 50])
      .toFormat(format, { lossless: format === 'webp', quality: 100 })
      .toBuffer()
    const picture = await decode(bytes)
    expect(picture.format).toBe(format)
    expectFlat(picture.pixels, [200, 100, 50], tolerance)
  })

  test('an ICC profile is applied', async () => {
    const png = await flat([200, 100, 50]).withIccProfile('p3').png().toBuffer()
    expectFlat(await sharp(png, { ignoreIcc: true }).raw().toBuffer(), [187, 105, 62], 1)
    expectFlat((await decode(png)).pixels, [200, 100, 50], 1)
  })

  test('an opt-out in the XMP is seen', async () => {
    const xmp =
      '<x:xmpmeta xmlns:x="adobe:ns:meta/"><p>http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING</p></x:xmpmeta>'
    expect((await decode(await flat(RED).withXmp(xmp).jpeg().toBuffer())).optOut).toBe(true)
    expect((await decode(flat(RED))).optOut).toBe(false)
  })
})

describe('decodePicture: what it refuses', () => {
  const refuse = (bytes: Uint8Array, reason: string | RegExp, over: Partial<PixelSettings> = {}) =>
    expect(decodePicture(bytes, 'a/b.png', settings(over))).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringContaining('a/b.png'),
      details: { path: 'a/b.png', reason: expect.stringMatching(reason) },
    })

  test('a header that claims 30000 x 30000', () => refuse(claimingPng(30000, 30000), 'more than 16777216 pixels'))

  test('one pixel over the limit, and not one at it', async () => {
    const png = await flat(RED, 33, 32).png().toBuffer()
    await refuse(png, 'more than 1055 pixels', { maxPixels: 33 * 32 - 1 })
    expectFlat((await decode(png, { maxPixels: 33 * 32 })).pixels, RED)
  })

  test.each(['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'] as const)('half a file: %s', async (format) => {
    const bytes = await draw(64, 64, (x, y) => [noise(x), noise(y), noise(x * y)])
      .toFormat(format)
      .toBuffer()
    for (const share of [0.3, 0.5, 0.8]) await refuse(bytes.subarray(0, bytes.length * share), /^[^\n]+$/)
  })

  test('nothing, text, and formats that are not allowed', async () => {
    await refuse(new Uint8Array(), 'empty')
    const drawing = svg('<rect width="8" height="8"/>')
    const disguised = [`<!--ftypavif-->${drawing}`, `RIFF<svg WEBP`, `GIF89b${drawing}`, `\n\n\n\nftypavif${drawing}`]
    for (const text of [
      'hello',
      drawing,
      `<?xml version="1.0"?>${drawing}`,
      ...disguised,
      'P6\n2 2\n255\n123456789012',
      '%PDF-1.7',
    ]) {
      await refuse(Buffer.from(text), 'not a JPEG')
    }
    await refuse(gzipSync(drawing), 'not a JPEG')
  })

  test('samples whose range is not known: floating point, signed, 32-bit', async () => {
    const samples = (type: 'float' | 'double' | 'int' | 'uint', value: number) => {
      const array = { float: Float32Array, double: Float64Array, int: Int32Array, uint: Uint32Array }[type].of(value)
      return new Uint8Array(array.buffer)
    }
    const advice = 'save it with 8 or 16 bits per channel'
    for (const value of [0.5, 128, Number.NaN])
      for (const channels of [1, 3] as const) {
        await refuse(tiffOf(samples('float', value), 'float', channels), `32-bit floating point.*${advice}`)
        await refuse(tiffOf(samples('double', value), 'float', channels), `more than 32 bits.*${advice}`)
      }
    await refuse(tiffOf(samples('uint', 2 ** 31), 'unsigned'), `32-bit.*${advice}`)
    await refuse(tiffOf(samples('int', -5), 'signed'), `signed 32-bit.*${advice}`)
  })

  test('HEIC as phones write it, in words that say what to do', () =>
    refuse(heic, /^it is a HEIC picture, compressed with HEVC, .*convert it to JPEG or PNG$/))

  test('more channels than colours and transparency have', async () => {
    const grey = () => flat([50]).png().toBuffer()
    const five = flat(RED).joinChannel([await grey(), await grey()])
    await refuse(await five.tiff({ compression: 'lzw' }).toBuffer(), 'channel')
    const fourGreys = flat([50])
      .joinChannel([await grey(), await grey(), await grey()])
      .toColourspace('b-w')
    await refuse(await fourGreys.tiff({ compression: 'lzw' }).toBuffer(), 'its 4 channels', { channels: 4 })
  })

  test('no SVG behind the first bytes of another format', async () => {
    const drawing = svg('<rect width="8" height="8"/>')
    for (const start of [
      'GIF89a',
      'II*\0',
      'MM\0*',
      '\0\0\0\x20ftypavif',
      '\0\0\0\x20ftypxxxx',
      'RIFF\0\0\0\0WEBP',
      '\x89PNG\r\n\x1a\n',
      '\xff\xd8\xff',
    ]) {
      await refuse(Buffer.from(start + drawing, 'latin1'), /./)
    }
  })
})

describe('decodePicture: fit and crop', () => {
  const thirds = [RED, GREEN, BLUE]
  const wide = columns(thirds, 24, 8)
  const tall = rows(thirds, 8, 24)

  test('cover keeps the middle, or the top', async () => {
    expectFlat((await decode(wide)).pixels, GREEN)
    expectFlat((await decode(tall)).pixels, GREEN)
    expectFlat((await decode(tall, { crop: 'top' })).pixels, RED)
    expectFlat((await decode(wide, { crop: 'top' })).pixels, GREEN)
  })

  test('cover keeps what is interesting', async () => {
    const busy = draw(24, 8, (x, y) => (x < 16 ? [90, 90, 90] : [noise(x), noise(y), noise(x * y)]))
    const expected = await busy.clone().extract({ left: 16, top: 0, width: 8, height: 8 }).raw().toBuffer()
    expect((await decode(busy, { crop: 'entropy' })).pixels).toEqual(expected)
    const patch = draw(96, 32, (x) => (x >= 64 ? [230, 60, 40] : [90, 90, 90]))
    const { pixels } = await decode(patch, { size: 32, crop: 'attention' })
    expect(pixelAt(pixels, settings({ size: 32 }), 30, 16)).toEqual([230, 60, 40])
  })

  test('contain pads with the background', async () => {
    const bars = [...repeat(RED, 16), ...repeat(BLUE, 32), ...repeat(RED, 16)]
    expect([...(await decode(flat(BLUE, 8, 4), { fit: 'contain', background: '#f00' })).pixels]).toEqual(bars)
    const grey = await decode(flat([100], 8, 4), { fit: 'contain', background: '#f00' })
    expect([...grey.pixels]).toEqual([...repeat(RED, 16), ...repeat([100, 100, 100], 32), ...repeat(RED, 16)])
  })

  test('contain pads with nothing where there are four channels', async () => {
    const { pixels } = await decode(flat(BLUE, 8, 4), { fit: 'contain', channels: 4, background: '#f00' })
    const clear = repeat([0, 0, 0, 0], 16)
    expect([...pixels]).toEqual([...clear, ...repeat([0, 0, 255, 255], 32), ...clear])
  })

  test('stretch keeps all of it', async () => {
    const { pixels } = await decode(columns(thirds, 48, 8), { fit: 'stretch' })
    for (const [x, colour] of [
      [0, RED],
      [4, GREEN],
      [7, BLUE],
    ] as const)
      expectFlat(Uint8Array.from(pixelAt(pixels, settings(), x, 3)), colour, 4)
  })

  test('small pictures are enlarged, large ones reduced', async () => {
    expectFlat((await decode(flat(RED, 1))).pixels, RED)
    expectFlat((await decode(flat(RED, 500))).pixels, RED)
  })
})

describe('renderSvg', () => {
  const half = svg('<rect width="4" height="8" fill="#f00"/>')

  test('draws at the final size, over the background', async () => {
    const row = [...repeat(RED, 8), ...repeat(BLUE, 8)]
    expect([...(await renderSvg(half, settings({ size: 16, background: '#00f' }))).subarray(0, 48)]).toEqual(row)
  })

  test('keeps transparency with four channels', async () => {
    const pixels = await renderSvg(half, settings({ channels: 4 }))
    expect([...pixels.subarray(0, 32)]).toEqual([...repeat([255, 0, 0, 255], 4), ...repeat([0, 0, 0, 0], 4)])
  })

  test('is not hindered by the block on other loaders', async () => {
    await decode(flat(RED))
    expectFlat(await renderSvg(svg('<rect width="8" height="8" fill="#fff"/>'), settings({ channels: 1 })), [255])
  })
})
