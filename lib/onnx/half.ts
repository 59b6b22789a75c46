/** Float32 values as float16, rounded to the nearest. */

const MAX_HALF = 65504
const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)

/** The bits of one value; what is larger than a float16 can be becomes the largest one. */
function halfOf(value: number): number {
  single[0] = Math.max(-MAX_HALF, Math.min(MAX_HALF, value))
  const whole = bits[0]!
  const sign = (whole >>> 16) & 0x8000
  const exponent = ((whole >>> 23) & 255) - 112
  const fraction = whole & 0x7fffff
  if (exponent <= 0) {
    // Below 2^-14 the step is 2^-24.
    const steps = Math.abs(single[0]!) * 2 ** 24
    return sign | roundToEven(steps)
  }
  return sign | roundToEven(exponent * 1024 + fraction / 8192)
}

function roundToEven(value: number): number {
  const low = Math.floor(value)
  const rest = value - low
  if (rest === 0.5) return low % 2 === 0 ? low : low + 1
  return rest > 0.5 ? low + 1 : low
}

/** Little-endian float32 to little-endian float16. */
export function toHalf(bytes: Uint8Array): Uint8Array {
  const from = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const halves = new Uint8Array(bytes.length / 2)
  const to = new DataView(halves.buffer)
  for (let i = 0; i < bytes.length / 4; i++) to.setUint16(2 * i, halfOf(from.getFloat32(4 * i, true)), true)
  return halves
}
