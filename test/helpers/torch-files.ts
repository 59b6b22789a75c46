/** Writes files as torch.save does, right and wrong ones, and mutates them. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync, crc32 } from 'node:zlib'
import { temporaryFolder } from './folder.ts'

/** Pickle bytes that stand for a value. */
export class Raw {
  readonly bytes: Buffer
  constructor(...parts: (string | Buffer | readonly number[])[]) {
    this.bytes = Buffer.concat(
      parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))),
    )
  }
}

type Plain = null | boolean | number | string | Raw | Plain[] | { [key: string]: Plain } | Map<string | number, Plain>

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** The opcodes of a value, in protocol 2. */
export function opcodes(value: Plain): Buffer {
  if (value instanceof Raw) return value.bytes
  if (value === null) return Buffer.from('N')
  if (typeof value === 'boolean') return Buffer.from([value ? 0x88 : 0x89])
  if (typeof value === 'string')
    return Buffer.concat([Buffer.from('X'), u32(Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number') {
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
      const bytes = Buffer.alloc(5, 'J')
      bytes.writeInt32LE(value, 1)
      return bytes
    }
    const bytes = Buffer.alloc(9, 'G')
    bytes.writeDoubleBE(value, 1)
    return bytes
  }
  if (Array.isArray(value)) return Buffer.concat([Buffer.from(']('), ...value.map(opcodes), Buffer.from('e')])
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  return Buffer.concat([Buffer.from('}('), ...entries.flat().map((part) => opcodes(part as Plain)), Buffer.from('u')])
}

export const tuple = (...values: Plain[]): Raw => new Raw('(', ...values.map(opcodes), 't')

/** `module.name`, called with a tuple. */
export const call = (module: string, name: string, ...args: Plain[]): Raw =>
  new Raw(`c${module}\n${name}\n`, tuple(...args).bytes, 'R')

export type TensorForm = {
  key?: string
  type?: string
  elements?: number
  offset?: number
  shape?: number[]
  strides?: number[]
}

/** A tensor as `_rebuild_tensor_v2` makes it; by default two by three floats. */
export function tensor({
  key = '0',
  type = 'FloatStorage',
  elements = 6,
  offset = 0,
  shape = [2, 3],
  strides = [3, 1],
}: TensorForm = {}): Raw {
  const id = tuple('storage', new Raw(`ctorch\n${type}\n`), key, 'cpu', elements)
  return call(
    'torch._utils',
    '_rebuild_tensor_v2',
    new Raw(id.bytes, 'Q'),
    offset,
    tuple(...shape),
    tuple(...strides),
    false,
    call('collections', 'OrderedDict'),
  )
}

/** A whole pickle. */
export const pickled = (value: Plain): Buffer =>
  Buffer.concat([Buffer.from([0x80, 2]), opcodes(value), Buffer.from('.')])

export type ZipPart = { name: string; bytes: Uint8Array; method?: number; crc?: number; localName?: string }

/** A zip file of stored entries. */
export function zipOf(parts: readonly ZipPart[]): Buffer {
  const locals: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const { name, bytes, method = 0, crc = crc32(bytes), localName = name } of parts) {
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(method, 8)
    local.writeUInt32LE(crc, 14)
    local.writeUInt32LE(bytes.length, 18)
    local.writeUInt32LE(bytes.length, 22)
    local.writeUInt16LE(localName.length, 26)
    const record = Buffer.alloc(46)
    record.writeUInt32LE(0x02014b50, 0)
    record.writeUInt16LE(method, 10)
    record.writeUInt32LE(crc, 16)
    record.writeUInt32LE(bytes.length, 20)
    record.writeUInt32LE(bytes.length, 24)
    record.writeUInt16LE(name.length, 28)
    record.writeUInt32LE(at, 42)
    central.push(record, Buffer.from(name, 'latin1'))
    const piece = Buffer.concat([local, Buffer.from(localName, 'latin1'), bytes])
    locals.push(piece)
    at += piece.length
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(parts.length, 8)
  end.writeUInt16LE(parts.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...locals, directory, end])
}

export type Storages = Readonly<Record<string, Uint8Array>>

const floats = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer)
/** Storage 0 of the tensor above: 0 to 5. */
export const sixFloats: Storages = { 0: floats(0, 1, 2, 3, 4, 5) }

/** The zip form around a pickle. */
export const torchZip = (pickle: Buffer, storages: Storages = sixFloats, more: readonly ZipPart[] = []): Buffer =>
  zipOf([
    { name: 'archive/data.pkl', bytes: pickle },
    ...Object.entries(storages).map(([key, bytes]) => ({ name: `archive/data/${key}`, bytes })),
    { name: 'archive/version', bytes: Buffer.from('3\n') },
    ...more,
  ])

/** The form before 1.6 around a pickle; each storage has elements of `width` bytes. */
export function torchLegacy(pickle: Buffer, storages: Storages = sixFloats, width = 4): Buffer {
  const magic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex')
  const lengths = Object.values(storages).flatMap((bytes) => {
    const count = Buffer.alloc(8)
    count.writeBigInt64LE(BigInt(bytes.length / width))
    return [count, bytes]
  })
  const system = pickled({ protocol_version: 1001, little_endian: true })
  return Buffer.concat([magic, pickled(1001), system, pickle, pickled(Object.keys(storages)), ...lengths])
}

/** Puts bytes into a file of their own. */
export function fileOf(bytes: Uint8Array, name = 'x.pt'): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, bytes)
  return path
}

/** A checkpoint that test/golden/make/imported.py had a published package save. */
export const fixture = (name: string): Buffer =>
  brotliDecompressSync(readFileSync(new URL(`../fixtures/pytorch/${name}.br`, import.meta.url)))

/** Names and shapes of tensors. */
export type Sides = readonly { name: string; shape: readonly number[] }[]

/** A state dict of zeros; each tensor has a storage of its own. */
export function stateFile(
  tensors: Sides,
  wrap: (state: Raw) => Parameters<typeof pickled>[0] = (state) => state,
): string {
  const storages: Record<string, Uint8Array> = {}
  const entries = tensors.map(({ name, shape }, i) => {
    const elements = shape.reduce((product, side) => product * side, 1)
    storages[i] = new Uint8Array(elements * 4)
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1))
    return [name, tensor({ key: String(i), elements, shape: [...shape], strides })] as const
  })
  const state = new Raw('}(', ...entries.flatMap(([name, value]) => [pickled(name).subarray(2, -1), value.bytes]), 'u')
  return fileOf(torchZip(pickled(wrap(state)), storages as Storages))
}
