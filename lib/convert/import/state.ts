/** Named tensors of a file, whichever its format, and the conversions to the types that networks here have. */
import { quoted, ShinsakuError } from '../../errors.ts'
import { Dict, kindOf, Tensor, type Value } from '../../pytorch/values.ts'

/** One tensor of a file; its bytes are read when they are asked for. */
export type Stored = {
  readonly dtype: string
  readonly shape: readonly number[]
  /** Little-endian, row-major. */
  read(): Promise<Uint8Array>
}

/** In the order of the file. */
export type State = ReadonlyMap<string, Stored>

export const unsupported = (path: string, problem: string): ShinsakuError =>
  new ShinsakuError('IMPORT_UNSUPPORTED', `${path} ${problem}`, { details: { path, problem } })

/** Reads a tensor of the file that a value comes from. */
export type ReadTensor = (tensor: Tensor) => Promise<Uint8Array>

const storedOf = (tensor: Tensor, read: ReadTensor): Stored => ({
  dtype: tensor.dtype,
  shape: tensor.shape,
  read: () => read(tensor),
})

/** What torch.compile, and DataParallel, DistributedDataParallel and AveragedModel, put around a network. */
const WRAPPING = /(?<=^|\.)(?:_orig_mod|module)\./g

/** How many networks an AveragedModel has averaged: beside the network, not in it. */
const AVERAGED = 'n_averaged'

/** Tensors under the names of the network in its wrappings, in whichever order these were put around it or its parts. */
export function unwrapped(path: string, tensors: Iterable<readonly [string, Stored]>): State {
  const state = new Map<string, Stored>()
  let wrapped = false
  for (const [key, stored] of tensors) {
    const name = key.replace(WRAPPING, '')
    wrapped ||= name !== key
    if (state.has(name)) throw unsupported(path, `has ${quoted(name)} twice, with and without a wrapping`)
    state.set(name, stored)
  }
  if (wrapped) state.delete(AVERAGED)
  return state
}

/** The tensors of a state dict. */
export const stateOf = (path: string, dict: Dict, read: ReadTensor): State =>
  unwrapped(
    path,
    dict.entries().map(([key, value]) => {
      if (!(value instanceof Tensor))
        throw unsupported(path, `has ${kindOf(value)} at ${quoted(String(key))}, where a tensor was expected`)
      return [String(key), storedOf(value, read)]
    }),
  )

/** The tensors whose names begin with `prefix`, without it. */
export const within = (state: State, prefix: string): State =>
  new Map(
    [...state].filter(([name]) => name.startsWith(prefix)).map(([name, stored]) => [name.slice(prefix.length), stored]),
  )

/** Whether all tensors, and at least one, are there: a dictionary of them is a state dict. */
export const isStateDict = (value: Value | undefined): boolean =>
  value instanceof Dict && value.size > 0 && value.entries().every(([, entry]) => entry instanceof Tensor)

const itemBytes: Readonly<Record<string, number>> = {
  F64: 8,
  I64: 8,
  F32: 4,
  I32: 4,
  F16: 2,
  BF16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
}

export const bytesOf = ({ dtype, shape }: Pick<Stored, 'dtype' | 'shape'>): number =>
  shape.reduce((product, side) => product * side, itemBytes[dtype] ?? 8)

/** A half-precision number: sign, 5 bits of exponent, 10 of fraction. */
function fromHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 0x1f, bits & 0x3ff]
  if (exponent === 0) return sign * fraction * 2 ** -24
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
}

const readers: Readonly<Record<string, (view: DataView, at: number) => number>> = {
  F64: (view, at) => view.getFloat64(at, true),
  F32: (view, at) => view.getFloat32(at, true),
  F16: (view, at) => fromHalf(view.getUint16(at, true)),
  BF16: (view, at) => {
    const wide = new DataView(new ArrayBuffer(4))
    wide.setUint32(0, view.getUint16(at, true) * 65536)
    return wide.getFloat32(0)
  },
  I64: (view, at) => Number(view.getBigInt64(at, true)),
  I32: (view, at) => view.getInt32(at, true),
  I16: (view, at) => view.getInt16(at, true),
  I8: (view, at) => view.getInt8(at),
  U8: (view, at) => view.getUint8(at),
  BOOL: (view, at) => (view.getUint8(at) === 0 ? 0 : 1),
}

/** Bytes of a tensor as numbers. */
export function numbersOf(dtype: string, bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [read, width] = [readers[dtype]!, itemBytes[dtype]!]
  return Array.from({ length: bytes.length / width }, (_, i) => read(view, i * width))
}

const isFloat = (dtype: string) => ['F64', 'F32', 'F16', 'BF16'].includes(dtype)

/** Whether a tensor of one type can stand for one of the other: floats for floats, the same type otherwise. */
export const canConvert = (from: string, to: string): boolean => from === to || (isFloat(from) && to === 'F32')

/** The bytes of a tensor as elements of `dtype`: half and double precision become single. */
export async function readAs(stored: Stored, dtype: string): Promise<Uint8Array> {
  const bytes = await stored.read()
  if (stored.dtype === dtype) return bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const [read, width] = [readers[stored.dtype]!, itemBytes[stored.dtype]!]
  const floats = new Float32Array(bytes.length / width)
  for (let i = 0; i < floats.length; i++) floats[i] = read(view, i * width)
  return new Uint8Array(floats.buffer)
}

/** The number that a tensor of one element, or a plain number, holds. */
export async function scalarOf(
  path: string,
  name: string,
  value: Value | undefined,
  read: ReadTensor,
): Promise<number> {
  if (typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (!(value instanceof Tensor) || value.elements !== 1)
    throw unsupported(path, `has ${kindOf(value)} as ${name}, where a number was expected`)
  return numbersOf(value.dtype, await read(value))[0]!
}

/** 64-bit integers as a tensor's bytes. */
export const integers = (...values: readonly number[]): Uint8Array =>
  new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer)
