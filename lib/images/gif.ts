/** Puts an XMP packet into a GIF file, which sharp writes without one. */

/** Bytes of the header and the screen descriptor, before the colours that all pictures share. */
const HEADER_BYTES = 13

/** Of the descriptor's flags: whether such colours follow, and the power of two of their number, less one. */
const [HAS_COLOURS, SIZE_MASK] = [0x80, 0x07]

/**
 * The file with an application extension behind its header, as XMP says (XMP specification, part 3, section 1.1.2): the
 * packet as it is, then 258 bytes that lead any reader of sub-blocks to its end.
 */
export function addXmpToGif(gif: Uint8Array, packet: string): Uint8Array {
  const flags = gif[10]!
  const colours = flags & HAS_COLOURS ? 3 * 2 ** ((flags & SIZE_MASK) + 1) : 0
  const at = HEADER_BYTES + colours
  const trailer = Uint8Array.from({ length: 258 }, (_, i) => (i === 0 ? 1 : i === 257 ? 0 : 256 - i))
  return Buffer.concat([
    gif.subarray(0, at),
    Uint8Array.of(0x21, 0xff, 11),
    Buffer.from('XMP DataXMP', 'latin1'),
    Buffer.from(packet),
    trailer,
    gif.subarray(at),
  ])
}
