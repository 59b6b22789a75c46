/** The header of a safetensors file: where each tensor lies, and every rule that must hold before it is believed. */
import { isUtf8 } from 'node:buffer'
import { quoted, ShinsakuError } from '../errors.ts'
import { Budget, cost } from '../files/budget.ts'
import { JsonCursor } from '../files/json-cursor.ts'
import type { TensorInfo } from './tensor-info.ts'

/** A tensor with its range in the data that follows the header. */
export type Placed = TensorInfo & { begin: number; end: number }

export type Header = { metadata: Record<string, string>; tensors: Placed[] }

export const MAX_HEADER_BYTES = 100_000_000
const MAX_TENSORS = 100_000
const MAX_DIMENSIONS = 16
/** Of a tensor in memory: itself, its shape aside, and its place in the list and in the index by name. */
const TENSOR_BYTES = 2 * cost.object + cost.entry
const MAX_METADATA_KEYS = 10_000
const MAX_METADATA_BYTES = 2 ** 24

/** Every element type of safetensors 0.8, in bits; those under a byte fill whole bytes together. */
const itemBits: ReadonlyMap<string, number> = new Map([
  ...['F64', 'I64', 'U64', 'C64'].map((name) => [name, 64] as const),
  ...['F32', 'I32', 'U32'].map((name) => [name, 32] as const),
  ...['F16', 'BF16', 'I16', 'U16'].map((name) => [name, 16] as const),
  ...['F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map((name) => [name, 8] as const),
  ...['I8', 'U8', 'BOOL'].map((name) => [name, 8] as const),
  ...['F6_E2M3', 'F6_E3M2'].map((name) => [name, 6] as const),
  ['F4', 4],
])

/** Bytes of a tensor, or what is wrong with its type or shape. */
function tensorBytes({ dtype, shape }: TensorInfo): number | string {
  const item = itemBits.get(dtype)
  if (item === undefined) return `has the unknown element type ${quoted(dtype)}`
  if (shape.length > MAX_DIMENSIONS) return `has ${shape.length} dimensions; at most ${MAX_DIMENSIONS} are allowed`
  let elements = 1
  for (const side of shape) {
    if (!Number.isSafeInteger(side) || side < 0) return `has the side ${side}`
    elements *= side
    if (!Number.isSafeInteger(elements * Math.max(item / 8, 1))) return `has the shape [${shape}], whose size overflows`
  }
  const bytes = item < 8 ? (elements / 8) * item : elements * (item / 8)
  return Number.isSafeInteger(bytes) ? bytes : `has the shape [${shape}], which does not fill whole bytes`
}

export const invalid = (path: string, problem: string, cause?: unknown): ShinsakuError =>
  new ShinsakuError('SAFETENSORS_INVALID', `${path} is not a well-formed safetensors file: ${problem}`, {
    cause,
    details: { path, problem },
  })

/** Places tensors one after the other, widest elements first so that each lies at a multiple of its element. */
export function place(path: string, tensors: readonly TensorInfo[]): Placed[] {
  if (tensors.length > MAX_TENSORS)
    throw invalid(path, `it would have ${tensors.length} tensors; at most ${MAX_TENSORS} are allowed`)
  const seen = new Set(['__metadata__'])
  for (const { name } of tensors) {
    if (seen.has(name)) throw invalid(path, `the name ${quoted(name)} is reserved or there twice`)
    seen.add(name)
  }
  const width = (tensor: TensorInfo) => itemBits.get(tensor.dtype) ?? 0
  let end = 0
  return [...tensors]
    .sort((a, b) => width(b) - width(a))
    .map(({ name, dtype, shape }) => {
      const bytes = tensorBytes({ name, dtype, shape })
      if (typeof bytes === 'string') throw invalid(path, `tensor ${quoted(name)} ${bytes}`)
      const begin = end
      end += bytes
      return { name, dtype, shape: [...shape], begin, end }
    })
}

/** The length field and the header text, padded so that the data begins at a multiple of 8. */
export function encodeHeader({ metadata, tensors }: Header): Uint8Array {
  const entries: [string, unknown][] = tensors.map(({ name, dtype, shape, begin, end }) => [
    name,
    { dtype, shape, data_offsets: [begin, end] },
  ])
  if (Object.keys(metadata).length > 0) entries.unshift(['__metadata__', metadata])
  const text = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const padded = Math.ceil(text.length / 8) * 8
  const header = Buffer.alloc(8 + padded, ' ')
  header.writeBigUInt64LE(BigInt(padded), 0)
  text.copy(header, 8)
  return header
}

const names = new Map([...itemBits.keys()].map((name) => [name, name]))
/** One text for all tensors of a type. */
const sameText = (dtype: string): string => names.get(dtype) ?? dtype

function parseTensor(cursor: JsonCursor, name: string): Placed {
  let dtype: string | undefined
  let shape: number[] | undefined
  let range: number[] | undefined
  cursor.object((key) => {
    if (key === 'dtype') dtype = sameText(cursor.string())
    else if (key === 'shape') shape = cursor.integers(MAX_DIMENSIONS)
    else if (key === 'data_offsets') range = cursor.integers(2)
    else cursor.fail(`tensor ${quoted(name)} has the unknown field ${quoted(key)}`)
  })
  if (dtype === undefined || shape === undefined || range?.length !== 2) {
    cursor.fail(`tensor ${quoted(name)} needs dtype, shape and two data_offsets`)
  }
  const [begin, end] = range as [number, number]
  const bytes = tensorBytes({ name, dtype, shape })
  if (typeof bytes === 'string') cursor.fail(`tensor ${quoted(name)} ${bytes}`)
  if (end - begin !== bytes)
    cursor.fail(`tensor ${quoted(name)} has the range ${begin} to ${end}, but ${dtype} [${shape}] takes ${bytes} bytes`)
  return { name, dtype, shape, begin, end }
}

function parseMetadata(cursor: JsonCursor): Record<string, string> {
  const entries: [string, string][] = []
  let characters = 0
  cursor.object((key) => {
    const value = cursor.string()
    characters += key.length + value.length
    if (characters > MAX_METADATA_BYTES) cursor.fail(`its metadata have more than ${MAX_METADATA_BYTES} characters`)
    entries.push([key, value])
  }, MAX_METADATA_KEYS)
  return Object.fromEntries(entries)
}

/** Parses a header's bytes in front of `dataBytes` bytes of tensors. Throws SAFETENSORS_INVALID. */
export function parseHeader(path: string, header: Uint8Array, dataBytes: number): Header {
  if (header[0] !== '{'.charCodeAt(0)) throw invalid(path, 'its header does not begin with "{"')
  if (!isUtf8(header)) throw invalid(path, 'its header is not UTF-8')
  const refuse = (problem: string): never => {
    throw invalid(path, problem)
  }
  // Tensors may be many more bytes in memory than in a header without data behind it.
  const budget = new Budget(header.length + dataBytes, refuse)
  budget.spend(header.length)
  const cursor = new JsonCursor(header, refuse, budget)
  const tensors: Placed[] = []
  let metadata: Record<string, string> = {}
  cursor.object((name) => {
    if (name === '__metadata__') metadata = cursor.takeNull() ? {} : parseMetadata(cursor)
    else if (tensors.length === MAX_TENSORS) cursor.fail(`it has more than ${MAX_TENSORS} tensors`)
    else {
      budget.spend(TENSOR_BYTES + cost.text(name.length))
      tensors.push(parseTensor(cursor, name))
    }
  })
  cursor.end()
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let end = 0
  for (const tensor of tensors) {
    if (tensor.begin !== end)
      throw invalid(path, `tensor ${quoted(tensor.name)} begins at ${tensor.begin}, but the one before ends at ${end}`)
    end = tensor.end
  }
  if (end !== dataBytes) throw invalid(path, `its tensors take ${end} bytes, but ${dataBytes} follow the header`)
  return { metadata, tensors }
}
