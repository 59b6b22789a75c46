/** JPEG files that are whole, but whose headers libjpeg warns of: what it warns of is taken out before it decodes. */

const MARK = 0xff
const SOI = 0xd8
/** The coded picture begins: what follows it is for the decoder alone to judge. */
const SOS = 0xda
const APP0 = 0xe0
/** Of a JFIF segment: marker, length, "JFIF" and a zero, then the revision. */
const REVISION = 9

/** Standing alone, without a length: TEM, RST0 to RST7, SOI, EOI. None belongs into a header. */
const standsAlone = (code: number) => code === 0x01 || (code >= 0xd0 && code <= 0xd9)

const isJfif = (bytes: Uint8Array, at: number) =>
  bytes[at + 1] === APP0 && Buffer.from(bytes.subarray(at + 4, at + REVISION)).toString('latin1') === 'JFIF\0'

/** Where the next marker begins, as libjpeg looks for it: what is in between says nothing. */
function nextMarker(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(MARK, from); at >= 0; at = bytes.indexOf(MARK, at + 1)) {
    const code = bytes[at + 1]
    if (code !== undefined && code !== 0 && code !== MARK) return at
  }
  return undefined
}

/** The segments up to the coded picture, each from its marker to its end; undefined where they cannot be told apart. */
function segmentsOf(bytes: Uint8Array): { begin: number; end: number }[] | undefined {
  const segments: { begin: number; end: number }[] = []
  for (let at = 2; ; ) {
    const begin = nextMarker(bytes, at)
    if (begin === undefined || standsAlone(bytes[begin + 1]!)) return undefined
    if (bytes[begin + 1] === SOS) return [...segments, { begin, end: bytes.length }]
    const length = bytes[begin + 2]! * 256 + bytes[begin + 3]!
    // Not a number where the file ends before.
    if (!(length >= 2) || begin + 2 + length > bytes.length) return undefined
    at = begin + 2 + length
    segments.push({ begin, end: at })
  }
}

/**
 * The same picture without stray bytes between its header segments, and of a revision of JFIF that libjpeg knows: it
 * passes over both with a warning, and a warning from the coded picture is damage. Gives back what needs nothing.
 */
export function withoutHeaderFaults(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== MARK || bytes[1] !== SOI) return bytes
  const segments = segmentsOf(bytes)
  if (!segments) return bytes
  const known = segments.every(({ begin }) => !isJfif(bytes, begin) || bytes[begin + REVISION] === 1)
  const used = segments.reduce((sum, { begin, end }) => sum + end - begin, 2)
  if (used === bytes.length && known) return bytes
  const pieces = segments.map(({ begin, end }) => {
    const piece = bytes.subarray(begin, end)
    if (!isJfif(bytes, begin)) return piece
    const plain = Uint8Array.from(piece)
    plain[REVISION] = 1
    return plain
  })
  return Buffer.concat([bytes.subarray(0, 2), ...pieces])
}
