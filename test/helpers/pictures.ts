/** Pictures that tests draw, and the settings they are decoded with. */
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { type DatasetHooks, type DatasetOptions, loadDataset } from '../../lib/data/dataset.ts'
import { drawIcon } from '../../lib/icons/icons.ts'
import type { PixelSettings } from '../../lib/images/decode.ts'
import { measuresOf } from '../../lib/images/measures.ts'
import { THUMBNAIL_BYTES } from '../../lib/images/thumbnail.ts'

export type Colour = readonly number[]

export const RED: Colour = [255, 0, 0]
export const GREEN: Colour = [0, 255, 0]
export const BLUE: Colour = [0, 0, 255]
export const WHITE: Colour = [255, 255, 255]

export const settings = (over: Partial<PixelSettings> = {}): PixelSettings => ({
  size: 8,
  channels: 3,
  background: '#ffffff',
  fit: 'cover',
  crop: 'centre',
  maxPixels: 4096 * 4096,
  ...over,
})

/** What outcomes carry of a picture's pixels; of no picture in particular. */
export const anyLook = {
  thumbnail: Buffer.alloc(THUMBNAIL_BYTES, 128).toString('base64'),
  measures: measuresOf(new Uint8Array(8 * 8 * 3), { size: 8, channels: 3 }),
}

export const datasetOptions = (data: DatasetOptions['data'], over: Partial<DatasetOptions> = {}): DatasetOptions => ({
  ...settings(),
  data,
  onUnreadable: 'skip',
  duplicates: 'keep',
  holdout: 0,
  pixelStore: 'memory',
  ...over,
})

/** A data set with all its pixels, wherever its store keeps them. */
export async function loadPixels(options: DatasetOptions, hooks: DatasetHooks = {}) {
  const { store, ...rest } = await loadDataset(options, hooks)
  const { count, size, channels } = store
  const pixels = await store.read(Array.from({ length: count }, (_, index) => index))
  await store.close()
  return { ...rest, pixels, count, size, channels }
}

/** Writes `count` faces by one hand into a folder: unlike `drawPictures()`, no two of them are near-duplicates. */
export async function drawFaces(folder: string, count: number, side = 32): Promise<string> {
  for (let i = 0; i < count; i++) {
    const name = `face-${String(i).padStart(2, '0')}.png`
    await sharp(Buffer.from(drawIcon(1, i)))
      .resize(side, side)
      .png()
      .toFile(join(folder, name))
  }
  return folder
}

/** A picture of these colours, from a function of the position. */
export function draw(width: number, height: number, colourAt: (x: number, y: number) => Colour) {
  const colours = Array.from({ length: width * height }, (_, i) => colourAt(i % width, Math.floor(i / width)))
  const channels = colours[0]!.length as 1 | 2 | 3 | 4
  const image = sharp(Uint8Array.from(colours.flat()), { raw: { width, height, channels } })
  return image.toColourspace(channels < 3 ? 'b-w' : 'srgb')
}

export const flat = (colour: Colour, width = 8, height = width) => draw(width, height, () => colour)

/** Equal parts side by side. */
export const columns = (colours: readonly Colour[], width: number, height: number) =>
  draw(width, height, (x) => colours[Math.floor((x * colours.length) / width)]!)

/** Equal parts one below the other. */
export const rows = (colours: readonly Colour[], width: number, height: number) =>
  draw(width, height, (_, y) => colours[Math.floor((y * colours.length) / height)]!)

/** Values that look random and are the same each time. */
export const noise = (i: number) => (Math.imul(i + 1, 2654435761) >>> 8) & 255

/** A 16-bit picture, which sharp makes only of 16-bit raw values. */
export function draw16(width: number, height: number, channels: 1 | 3 | 4, valueAt: (i: number) => number) {
  const values = Uint16Array.from({ length: width * height * channels }, (_, i) => valueAt(i))
  return sharp(values, { raw: { width, height, channels } }).toColourspace(channels === 1 ? 'grey16' : 'rgb16')
}

/** Colour of one pixel of decoded pixels. */
export const pixelAt = (pixels: Uint8Array, { size, channels }: PixelSettings, x: number, y: number): number[] => [
  ...pixels.subarray((y * size + x) * channels, (y * size + x + 1) * channels),
]

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data])
  const ends = Buffer.alloc(8)
  ends.writeUInt32BE(data.length, 0)
  ends.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)])
}

/** A tiny PNG file whose header claims any size. */
export function claimingPng(width: number, height: number): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  const data = chunk('IDAT', deflateSync(Buffer.alloc(10)))
  return Buffer.concat([signature, chunk('IHDR', header), data, chunk('IEND', Buffer.alloc(0))])
}

/** How TIFF tells the types of samples apart. */
const sampleFormats = { unsigned: 1, signed: 2, float: 3 }

/** An uncompressed TIFF file of 8 x 8 pixels, all samples with these bytes; grey or RGB. */
export function tiffOf(sample: Uint8Array, format: keyof typeof sampleFormats, channels: 1 | 3 = 1): Buffer {
  const bits = sample.length * 8
  const data = Buffer.concat(Array.from({ length: 64 * channels }, () => sample))
  const tags = [
    [256, 8],
    [257, 8],
    [258, bits],
    [259, 1],
    [262, channels === 1 ? 1 : 2],
    [273, 8],
    [277, channels],
    [278, 8],
    [279, data.length],
    [339, sampleFormats[format]],
  ] as const
  const header = Buffer.from('49492a0000000000', 'hex')
  header.writeUInt32LE(8 + data.length, 4)
  const directory = Buffer.alloc(2 + tags.length * 12 + 4)
  directory.writeUInt16LE(tags.length, 0)
  for (const [i, [tag, value]] of tags.entries()) {
    const at = 2 + i * 12
    directory.writeUInt16LE(tag, at)
    directory.writeUInt16LE(4, at + 2)
    directory.writeUInt32LE(1, at + 4)
    directory.writeUInt32LE(value, at + 8)
  }
  return Buffer.concat([header, data, directory])
}
