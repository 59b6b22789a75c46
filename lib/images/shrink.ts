/** Square pictures made smaller by averaging areas, so that they can be compared in little memory. */

/** Of each pixel of the smaller side, the first pixel that it covers and the weight of each. */
type Cover = { first: number; weights: number[] }[]

function coverOf(from: number, to: number): Cover {
  const step = from / to
  return Array.from({ length: to }, (_, place) => {
    const [begin, end] = [place * step, (place + 1) * step]
    const first = Math.floor(begin)
    const weights: number[] = []
    for (let pixel = first; pixel < Math.min(from, end); pixel++)
      weights.push((Math.min(end, pixel + 1) - Math.max(begin, pixel)) / step)
    return { first, weights }
  })
}

/** uint8 [n, size, size, channels] to [n, side, side, channels], rounded once; the pixels themselves where side is size. */
export function shrink(pixels: Uint8Array, size: number, channels: number, side: number): Uint8Array {
  if (side === size) return pixels
  const cover = coverOf(size, side)
  const count = pixels.length / (size * size * channels)
  const small = new Uint8Array(count * side * side * channels)
  // Rows first: [size, side, channels] of one picture.
  const narrow = new Float64Array(size * side * channels)
  for (let n = 0; n < count; n++) {
    const start = n * size * size * channels
    for (let y = 0; y < size; y++)
      for (const [x, { first, weights }] of cover.entries())
        for (let c = 0; c < channels; c++) {
          let sum = 0
          for (let i = 0; i < weights.length; i++)
            sum += weights[i]! * pixels[start + (y * size + first + i) * channels + c]!
          narrow[(y * side + x) * channels + c] = sum
        }
    const width = side * channels
    for (const [y, { first, weights }] of cover.entries())
      for (let at = 0; at < width; at++) {
        let sum = 0
        for (let i = 0; i < weights.length; i++) sum += weights[i]! * narrow[(first + i) * width + at]!
        small[(n * side + y) * width + at] = Math.round(sum)
      }
  }
  return small
}
