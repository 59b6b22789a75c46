/** Numbers of numpy in a pickle, as the plain numbers that they are. */
import { type Fail, kindOf, NumpyType, type Value } from './values.ts'

const numbers: Readonly<Record<string, (view: DataView) => number | bigint | boolean>> = {
  b1: (view) => view.getUint8(0) !== 0,
  i1: (view) => view.getInt8(0),
  u1: (view) => view.getUint8(0),
  i2: (view) => view.getInt16(0, true),
  u2: (view) => view.getUint16(0, true),
  i4: (view) => view.getInt32(0, true),
  u4: (view) => view.getUint32(0, true),
  i8: (view) => view.getBigInt64(0, true),
  u8: (view) => view.getBigUint64(0, true),
  f4: (view) => view.getFloat32(0, true),
  f8: (view) => view.getFloat64(0, true),
}

/** numpy.dtype(code, align, copy). */
export function numpyType([code]: readonly Value[], fail: Fail): NumpyType {
  if (typeof code !== 'string' || !Object.hasOwn(numbers, code))
    return fail(`a type of numpy is ${typeof code === 'string' ? JSON.stringify(code) : kindOf(code)}, not a number's`)
  return new NumpyType(code)
}

/** numpy.core.multiarray.scalar(type, bytes), the bytes as text in latin1. */
export function numpyScalar([type, text]: readonly Value[], fail: Fail): number | bigint | boolean {
  if (!(type instanceof NumpyType) || typeof text !== 'string') return fail('a number of numpy lacks its type or bytes')
  const width = Number(type.code[1])
  const bytes = Buffer.from(text, 'latin1')
  if (text.length !== width || bytes.toString('latin1') !== text)
    return fail(`a number of numpy has ${text.length} bytes, but its type ${type.code} has ${width}`)
  // A type whose order was never said is not complete.
  if (type.order === undefined) return fail('a number of numpy has a type without an order of bytes')
  const value = numbers[type.code]!(new DataView(bytes.buffer, bytes.byteOffset, width))
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
}
