/** Picture files to pixels: what may be a picture, how it becomes a square, what its metadata says. */
import { openRegular, type Part, readFully } from '../files/read.ts'
import { decodeGate, decodingBytes } from './decode-gate.ts'
import type { PixelShape } from './encode.ts'
import { withoutHeaderFaults } from './jpeg-header.ts'
import {
  Fault,
  noMemory,
  OwnPicture,
  reasonOf,
  requireAvif,
  requireKnownRange,
  saysNoMemory,
  unreadable,
} from './refusal.ts'
import { loadSharp, type Sharp } from './sharp.ts'
import { forbidsTraining, isMadeHere, type PictureMetadata, readXmp } from './xmp.ts'

/** How a picture of any shape becomes a square of pixels; the options of the same names say what each means. */
export type PixelSettings = {
  readonly size: number
  readonly channels: 1 | 3 | 4
  readonly background: string
  readonly fit: 'cover' | 'contain' | 'stretch'
  readonly crop: 'centre' | 'top' | 'entropy' | 'attention'
  readonly maxPixels: number
  /** Takes pictures of this package too, which are no data to train on. */
  readonly takeOwn?: true
}

/** A decoded picture, and what its file was: size with its orientation applied, format, opt-out from training, emptiness. */
export type DecodedPicture = {
  /** uint8, `[size, size, channels]`. */
  pixels: Uint8Array
  width: number
  height: number
  format: string
  optOut: boolean
  /** Every pixel is: only the background is seen. Absent where it is not so. */
  transparent?: true
}

/** A picture file of this length is not one; the limit keeps a hostile one from filling the memory. */
const MAX_BYTES = 256 * 2 ** 20

function allocate(bytes: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(bytes)
  } catch (cause) {
    throw Object.assign(new Error(`there is no memory for ${bytes} bytes`, { cause }), { code: 'ENOMEM' })
  }
}

/** All bytes of a file, or of a part of it, which must be of a length that pictures have. */
export async function readBytes(path: string, part?: Part): Promise<Uint8Array<ArrayBuffer>> {
  const opened = await openRegular(path)
  const { file } = opened
  const { offset, bytes } = part ?? { offset: 0, bytes: opened.bytes }
  try {
    if (bytes > MAX_BYTES) throw unreadable(path, `it has ${bytes} bytes, and more than ${MAX_BYTES} are not read`)
    const content = allocate(bytes)
    if (!(await readFully(opened, content, offset))) throw unreadable(path, 'it became shorter while it was read')
    return content
  } finally {
    await file.close()
  }
}

const beginnings = ['\xff\xd8\xff', '\x89PNG\r\n\x1a\n', 'GIF87a', 'GIF89a', 'II*\0', 'II+\0', 'MM\0*', 'MM\0+']

/**
 * Whether the content, whatever the name says, begins as JPEG, PNG, GIF, TIFF, WebP or AVIF do. libvips finds the
 * loader by itself and asks SVG's last, so what begins like this never becomes SVG.
 */
function looksLikePicture(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  const webp = head.startsWith('RIFF') && head.startsWith('WEBP', 8)
  const heif = head.startsWith('\0\0') && head.startsWith('ftyp', 4)
  return webp || heif || beginnings.some((beginning) => head.startsWith(beginning))
}

function requirePicture(bytes: Uint8Array, path: string): void {
  if (bytes.length === 0) throw unreadable(path, 'it is empty')
  if (!looksLikePicture(bytes)) throw unreadable(path, 'it is not a JPEG, PNG, WebP, AVIF, GIF or TIFF picture')
}

/** Opens the first frame of a picture file's bytes, with limits set. */
async function open(bytes: Uint8Array, maxPixels: number): Promise<Sharp> {
  const sharp = await loadSharp()
  return sharp(bytes, { autoOrient: true, failOn: 'warning', limitInputPixels: maxPixels, limitInputChannels: 4 })
}

/** Orders the work on an open picture; sharp fixes the sequence: orient, sRGB, background, crop and resize. */
function toPixels(image: Sharp, { size, channels, background, fit, crop }: PixelSettings): Promise<Buffer> {
  const opaque = channels === 4 ? image.ensureAlpha() : image.flatten({ background })
  const square = opaque.resize(size, size, {
    fit: fit === 'stretch' ? 'fill' : fit,
    position: crop,
    background: channels === 4 ? { r: 0, g: 0, b: 0, alpha: 0 } : background,
  })
  return square
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
    .toBuffer()
}

/** Whether pixels of so many channels are all like the first. */
const isUniform = (pixels: Uint8Array, channels: number): boolean =>
  pixels.every((value, i) => value === pixels[i % channels])

/** Whether nothing but the background can be seen. Only what came out as one colour is looked at once more. */
async function isTransparent(pixels: Uint8Array, bytes: Uint8Array, settings: PixelSettings): Promise<boolean> {
  if (settings.channels === 4) return pixels.every((value, i) => i % 4 !== 3 || value === 0)
  if (!isUniform(pixels, settings.channels)) return false
  const { channels } = await (await open(bytes, settings.maxPixels)).stats()
  return channels.at(-1)!.max === 0
}

/** Lets a piece of the work in when it may begin: `bytes` is the memory it takes. */
type Enter = <T>(bytes: number, work: () => Promise<T>) => Promise<T>

async function decodeOnce(bytes: Uint8Array, settings: PixelSettings, enter: Enter): Promise<DecodedPicture> {
  const image = await open(bytes, settings.maxPixels)
  const metadata = await enter(0, () => image.metadata())
  const { autoOrient, channels, format, compression, depth, space, hasAlpha, xmpAsString } = metadata
  if (!settings.takeOwn && isMadeHere(xmpAsString ?? '')) throw new OwnPicture()
  requireAvif(format, compression)
  requireKnownRange(depth, space)
  // Else a coloured background turns grey with a grey picture. Not for all: it forbids decoding at a smaller scale.
  if (space !== 'srgb') image.pipelineColourspace('srgb')
  const pixels = await enter(decodingBytes(metadata), () => toPixels(image, settings))
  if (pixels.length !== settings.size ** 2 * settings.channels)
    throw new Fault(`its ${channels} channels have no meaning as ${space}`)
  const transparent = hasAlpha && (await enter(decodingBytes(metadata), () => isTransparent(pixels, bytes, settings)))
  return {
    pixels,
    width: autoOrient.width,
    height: autoOrient.height,
    format: compression === 'av1' ? 'avif' : format,
    optOut: forbidsTraining(xmpAsString ?? ''),
    ...(transparent && { transparent }),
  }
}

const shared: Enter = (bytes, work) => decodeGate.run(bytes, work)

/**
 * Decodes a picture file's bytes; `path` names it in errors. Rejects with IMAGE_UNREADABLE. libvips writes its reports
 * into one buffer for the whole process, so what fails is decoded once more with nothing beside it: the reason is its own.
 */
export async function decodePicture(bytes: Uint8Array, path: string, settings: PixelSettings): Promise<DecodedPicture> {
  const plain = withoutHeaderFaults(bytes)
  requirePicture(plain, path)
  try {
    return await decodeOnce(plain, settings, shared).catch((error) => {
      if (error instanceof Fault) throw error
      return decodeGate.alone(() => decodeOnce(plain, settings, (_, work) => work()))
    })
  } catch (cause) {
    if (saysNoMemory((cause as Error).message)) throw noMemory(path, cause)
    throw unreadable(path, reasonOf(cause, settings.maxPixels), cause)
  }
}

/** What a picture file says of itself. Rejects with IMAGE_UNREADABLE. */
async function metadataOf(path: string, part?: Part): ReturnType<Sharp['metadata']> {
  const bytes = await readBytes(path, part)
  requirePicture(bytes, path)
  const image = await open(bytes, Number.MAX_SAFE_INTEGER)
  return decodeGate
    .alone(() => image.metadata())
    .catch((cause: unknown) => {
      throw unreadable(path, reasonOf(cause, Number.MAX_SAFE_INTEGER), cause)
    })
}

/** The shorter side of a picture, in pixels, without decoding it. Rejects with IMAGE_UNREADABLE. */
export async function shorterSide(path: string, part?: Part): Promise<number> {
  const { autoOrient } = await metadataOf(path, part)
  return Math.min(autoOrient.width, autoOrient.height)
}

/** Renders a drawing of our own, sharp at its final size. Files never come here: SVG can name other files. */
export async function renderSvg(svg: string, settings: PixelSettings): Promise<Uint8Array> {
  const sharp = await loadSharp()
  return shared(0, () => toPixels(sharp(Buffer.from(svg), { limitInputPixels: settings.maxPixels }), settings))
}

/** The pixels of a file that `encodePicture` wrote, as they were given to it. Throws IMAGE_UNREADABLE for another shape. */
export async function readPixels(path: string, { width, height, channels }: PixelShape): Promise<Uint8Array> {
  const bytes = await readBytes(path)
  requirePicture(bytes, path)
  const image = await open(bytes, Number.MAX_SAFE_INTEGER)
  const raw = image.toColourspace(channels === 1 ? 'b-w' : 'srgb').raw()
  const { data, info } = await decodeGate
    .alone(() => raw.toBuffer({ resolveWithObject: true }))
    .catch((cause: unknown) => {
      throw unreadable(path, reasonOf(cause, Number.MAX_SAFE_INTEGER), cause)
    })
  if (info.width === width && info.height === height && info.channels === channels) return data
  throw unreadable(path, `it is ${info.width}x${info.height} with ${info.channels} channels`)
}

/** What `encodePicture` put into a file; null for a picture that is not from here. */
export async function readMetadata(path: string): Promise<PictureMetadata | null> {
  const { xmpAsString } = await metadataOf(path)
  return xmpAsString === undefined ? null : readXmp(xmpAsString)
}
