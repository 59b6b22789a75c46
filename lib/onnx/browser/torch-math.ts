/**
 * log, sine and cosine to the last bit as PyTorch's CPU generator computes them: the Cephes polynomials of
 * ATen/native/cpu/avx_mathfun.h, with the fused steps that its compiler makes of them. No browser's own functions are
 * used, so every engine gives the same.
 *
 * avx_mathfun.h is Copyright (C) 2012 Giovanni Garberoglio, Interdisciplinary Laboratory for Computational Science
 * (LISC), Fondazione Bruno Kessler and University of Trento; it follows sse_mathfun.h, Copyright (C) 2007 Julien
 * Pommier. Both under the zlib licence: provided as is, without any warranty; free to use and alter for any purpose, if
 * its origin is not misrepresented, altered versions are marked as such, and this notice stays. This is an altered version.
 */

const f = Math.fround

const number = new Float64Array(1)
const words = new Uint32Array(number.buffer)
const single = new Float32Array(1)
const bits = new Int32Array(single.buffer)

/** a * b + c of float32, rounded once. */
export function fma(a: number, b: number, c: number): number {
  const product = a * b
  const sum = product + c
  // What the sum in double lost; it decides where double lies half way between two singles.
  const back = sum - product
  const lost = product - (sum - back) + (c - back)
  if (lost !== 0) {
    number[0] = sum
    if ((words[0]! & 0x1fffffff) === 0x10000000) {
      const up = lost > 0 === sum > 0
      words[0] = words[0]! + (up ? 1 : -1)
      return f(number[0]!)
    }
  }
  return f(sum)
}

const logTerms = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
].map(f)
const LN2_LOW = f(-2.1219444e-4)
const LN2_HIGH = f(0.693359375)
const SQRT_HALF = f(Math.SQRT1_2)

/** Natural logarithm of a float32 above 0. */
export function log(value: number): number {
  single[0] = value
  let e = (bits[0]! >>> 23) - 126
  bits[0] = (bits[0]! & ~0x7f800000) | 0x3f000000
  let x = single[0]!
  if (x < SQRT_HALF) {
    e -= 1
    x = f(f(x - 1) + x)
  } else x = f(x - 1)
  const z = f(x * x)
  let y = logTerms[0]!
  for (let i = 1; i < logTerms.length; i++) y = fma(y, x, logTerms[i]!)
  y = f(y * x)
  y = fma(y, z, f(e * LN2_LOW))
  y = fma(z, -0.5, y)
  return fma(e, LN2_HIGH, f(x + y))
}

const FOUR_OVER_PI = f(1.27323954473516)
const quarterPi = [-0.78515625, -2.418756484985351e-4, -3.774894977445941e-8].map(f)
const cosTerms = [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2].map(f)
const sinTerms = [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1].map(f)

/** Sine and cosine of a float32 from 0 on, for angles of a few turns. */
export function sincos(angle: number): [sin: number, cos: number] {
  const octant = (Math.trunc(f(angle * FOUR_OVER_PI)) + 1) & ~1
  let x = angle
  for (const part of quarterPi) x = fma(octant, part, x)
  const z = f(x * x)
  let c = fma(fma(cosTerms[0]!, z, cosTerms[1]!), z, cosTerms[2]!)
  c = f(fma(f(c * z), z, -f(z * 0.5)) + 1)
  let s = fma(fma(sinTerms[0]!, z, sinTerms[1]!), z, sinTerms[2]!)
  s = fma(f(s * z), x, x)
  const swapped = (octant & 2) !== 0
  const [sin, cos] = swapped ? [c, s] : [s, c]
  return [(octant & 4) !== 0 ? -sin : sin, ((octant - 2) & 4) === 0 ? -cos : cos]
}
