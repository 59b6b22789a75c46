/** Why a picture is refused: the error that says so, in words of our own or of libvips. */
import { ShinsakuError, visible } from '../errors.ts'

/** What is wrong with a file in words of our own: no report of libvips is asked for. */
export class Fault extends Error {}

/** A sample or a grid, left where pictures are looked for. */
export class OwnPicture extends Fault {
  constructor() {
    super('shinsaku made it')
  }
}

/** The error for a picture that cannot be decoded; `details` are its path, the bare reason, and whether it is ours. */
export function unreadable(path: string, reason: string, cause?: unknown): ShinsakuError {
  const own = cause instanceof OwnPicture
  const hint = 'Remove or repair it, or set onUnreadable to "skip".'
  return new ShinsakuError('IMAGE_UNREADABLE', `The picture ${visible(path)} cannot be decoded: ${visible(reason)}`, {
    hint,
    details: own ? { path, reason, own } : { path, reason },
    cause,
  })
}

const SAVE_PLAINLY = 'save it with 8 or 16 bits per channel'

/** What libvips and libheif report of where a file ends too early, in no words. */
const WORDLESS = /^(?:\(\d+\.\d+\)|Input buffer has corrupt header:)$/

/** The one line of libvips' report that says what is wrong. */
export function reasonOf(error: unknown, maxPixels: number): string {
  const lines = (error as Error).message.split('\n').filter((line) => line.trim() !== '' && !line.includes('bad seek'))
  const reason = lines.at(-1)?.trim() ?? 'unknown'
  if (WORDLESS.test(reason)) return 'it is damaged or cut short'
  if (reason.includes('samples out of range')) return `its samples have more than 32 bits: ${SAVE_PLAINLY}`
  return reason.includes('pixel limit') ? `it has more than ${maxPixels} pixels (maxPixels)` : reason
}

/** Memory that could not be had, in the words of libvips and its codecs. What a file may ask for at most is another thing. */
const NO_MEMORY =
  /(?:out of|insufficient|not enough) memory|(?:unable to|failed to|can't|cannot|could not) allocate memory|memory allocation (?:error|failed)/i

export const saysNoMemory = (text: string): boolean => NO_MEMORY.test(text) && !/limit|exceed|filesize/i.test(text)

/** Not the fault of the file: it was decoded with nothing beside it. */
export const noMemory = (path: string, cause: unknown) =>
  new ShinsakuError('OUT_OF_MEMORY', `There is not enough memory to decode the picture ${visible(path)}`, {
    cause,
    hint: 'Lower maxPixels to leave out very large pictures, or give the process more memory.',
    details: { path },
  })

/** What samples of other types than 8 and 16 bits are. */
const oddSamples: Readonly<Record<string, string>> = {
  float: '32-bit floating point',
  char: 'signed 8-bit',
  short: 'signed 16-bit',
  int: 'signed 32-bit',
  uint: '32-bit',
  complex: 'complex',
}

/** Throws where nothing says which sample is white. CIELAB has a range, and libvips reads it as floating point. */
export function requireKnownRange(depth: string, space: string): void {
  const samples = space.startsWith('lab') ? undefined : oddSamples[depth]
  if (samples) throw new Fault(`its samples are ${samples}, of no known range: ${SAVE_PLAINLY}`)
}

/** HEIF holds pictures of several codecs, and libvips decodes AVIF's alone. */
export function requireAvif(format: string, codec = 'av1'): void {
  if (format === 'heif' && codec !== 'av1')
    throw new Fault(
      `it is a HEIC picture, compressed with ${codec.toUpperCase()}, which is not decoded here: convert it to JPEG or PNG`,
    )
}
