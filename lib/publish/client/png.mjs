/** Says in a PNG file how its picture was made: a canvas writes pixels only. */

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  return crc
})

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ /** @type {number} */ (table[(crc ^ byte) & 255])
  return (crc ^ 0xffffffff) >>> 0
}

/** Signature, then the chunk IHDR, which comes first and has one length. */
const AFTER_HEADER = 33
/** Keyword, no compression, no language, no translated keyword. */
const XMP_HEAD = 'XML:com.adobe.xmp\0\0\0\0\0'

/**
 * The PNG file with an XMP packet in it.
 * @param {Uint8Array} png
 * @param {string} packet
 */
export function withXmp(png, packet) {
  const content = new TextEncoder().encode(`iTXt${XMP_HEAD}${packet}`)
  const chunk = new Uint8Array(content.length + 8)
  const view = new DataView(chunk.buffer)
  view.setUint32(0, content.length - 4)
  chunk.set(content, 4)
  view.setUint32(content.length + 4, crc32(content))
  const file = new Uint8Array(png.length + chunk.length)
  file.set(png.subarray(0, AFTER_HEADER))
  file.set(chunk, AFTER_HEADER)
  file.set(png.subarray(AFTER_HEADER), AFTER_HEADER + chunk.length)
  return file
}
