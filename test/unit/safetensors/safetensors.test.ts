import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { measure } from '../../../lib/files/read.ts'
import type { TensorInfo } from '../../../lib/native/addon.ts'
import { openSafetensors, safetensorsBytes, writeSafetensors } from '../../../lib/safetensors/safetensors.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { tensorBytes, trainerTensors } from '../../helpers/tensors.ts'

const invalid = (problem: string | RegExp = '') => ({
  code: 'SAFETENSORS_INVALID',
  message: expect.stringMatching(problem),
})
const read = async (name: string) => tensorBytes(name, 7)

/** A file of this header text, and of `data` bytes after it. */
function fileOf(header: string | Uint8Array, data = 0, claimed?: bigint): string {
  const path = join(temporaryFolder(), 'x.safetensors')
  const text = Buffer.from(header)
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(claimed ?? BigInt(text.length))
  writeFileSync(path, Buffer.concat([prefix, text, new Uint8Array(data)]))
  return path
}

async function open(path: string) {
  const reader = await openSafetensors(path)
  await reader.close()
  return reader
}

describe('round trip', () => {
  test('metadata of null, which Python reads, are none', async () => {
    const header = '{"__metadata__":null,"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'
    const { metadata, tensors } = await open(fileOf(header, 8))
    expect({ metadata, names: tensors.map(({ name }) => name) }).toEqual({ metadata: {}, names: ['a'] })
    for (const other of ['nul', 'nullx', 'true', '1', '[]', '""'])
      await expect(open(fileOf(`{"__metadata__":${other}}`))).rejects.toMatchObject(invalid())
  })

  test('names, types, shapes, metadata and bytes come back', async () => {
    const path = join(temporaryFolder(), 'x.safetensors')
    const metadata = { run: 'köln "1"', __proto__x: '' }
    const written = await writeSafetensors(path, trainerTensors, read, metadata)
    expect(written).toEqual(await measure(path))
    expect(written.bytes).toBe(safetensorsBytes(trainerTensors, metadata))
    const reader = await openSafetensors(path)
    const byName = (a: TensorInfo, b: TensorInfo) => (a.name < b.name ? -1 : 1)
    const infos = reader.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }))
    expect(infos.sort(byName)).toEqual([...trainerTensors].sort(byName))
    expect(reader.metadata).toEqual(metadata)
    for (const { name } of trainerTensors) expect(await reader.read(name)).toEqual(tensorBytes(name, 7))
    await expect(reader.read('missing')).rejects.toMatchObject(invalid('no tensor "missing"'))
    await reader.close()
  })

  test('each tensor begins at a multiple of its element', async () => {
    const path = join(temporaryFolder(), 'x.safetensors')
    await writeSafetensors(path, trainerTensors, read)
    const content = readFileSync(path)
    const dataBegin = 8 + Number(content.readBigUInt64LE())
    const header = JSON.parse(content.subarray(8, dataBegin).toString())
    const width: Record<string, number> = { F32: 4, I64: 8, U8: 1, BOOL: 1 }
    expect(dataBegin % 8).toBe(0)
    for (const { dtype, data_offsets } of Object.values<{ dtype: string; data_offsets: number[] }>(header))
      expect(data_offsets[0]! % width[dtype]!).toBe(0)
  })

  test('a file of no tensors', async () => {
    const path = join(temporaryFolder(), 'x.safetensors')
    await writeSafetensors(path, [], read)
    expect((await open(path)).tensors).toEqual([])
  })

  test('names that JavaScript objects treat in their own way', async () => {
    const names = ['10', '2', '__proto__', 'constructor', 'toString', '', 'a"\\\n']
    const path = join(temporaryFolder(), 'x.safetensors')
    const tensors = names.map((name) => ({ name, dtype: 'U8', shape: [1] }))
    await writeSafetensors(path, tensors, async (name) => Uint8Array.of(names.indexOf(name)))
    const reader = await openSafetensors(path)
    expect(reader.tensors.map(({ name }) => name)).toEqual(names)
    for (const [index, name] of names.entries()) expect(await reader.read(name)).toEqual(Uint8Array.of(index))
    await reader.close()
  })
})

describe('writing refuses', () => {
  const cases: [string, TensorInfo[], string][] = [
    ['a name that is there twice', [trainerTensors[0]!, trainerTensors[0]!], 'twice'],
    ['the name of the metadata', [{ name: '__metadata__', dtype: 'U8', shape: [] }], 'reserved'],
    ['an unknown type', [{ name: 'a', dtype: 'F128', shape: [] }], 'F128'],
    ['a negative side', [{ name: 'a', dtype: 'U8', shape: [-1] }], 'side -1'],
    [
      'bytes that do not fit the shape',
      [{ name: 'model.weight', dtype: 'F64', shape: [3, 4] }],
      '48 bytes, but F64 \\[3,4\\] takes 96',
    ],
  ]
  test.each(cases)('%s', async (_, tensors, problem) => {
    const path = join(temporaryFolder(), 'x.safetensors')
    await expect((async () => writeSafetensors(path, tensors, read))()).rejects.toMatchObject(invalid(problem))
  })
})

const u8 = (begin: number, end: number, shape: string = `[${end - begin}]`) =>
  `{"dtype":"U8","shape":${shape},"data_offsets":[${begin},${end}]}`

describe('reading accepts', () => {
  const cases: [string, string, number][] = [
    ['white space', `{ "a" : ${u8(0, 2)} ,\n"b":\t${u8(2, 3)} }   `, 3],
    ['ranges in another order than the names', `{"a":${u8(2, 3)},"b":${u8(0, 2)}}`, 3],
    ['empty tensors beside others', `{"a":${u8(0, 0)},"b":${u8(0, 2)},"c":${u8(2, 2, '[0,9]')}}`, 2],
    ['escapes', `{"\\u0061\\n":${u8(0, 1)},"__metadata__":{"k":"\\ud83d\\ude00"}}`, 1],
    ['nothing', '{}', 0],
  ]
  test.each(cases)('%s', async (_, header, data) => {
    await open(fileOf(header, data))
  })
})

describe('reading refuses', () => {
  const cases: [string, string, number, string][] = [
    ['a header that does not begin with a brace', ` {"a":${u8(0, 1)}}`, 1, 'does not begin'],
    ['no JSON', '{', 0, 'expected'],
    ['an empty header', '', 0, 'does not begin'],
    ['an array', '[]', 0, 'does not begin'],
    ['a second value', '{}{}', 0, 'follows'],
    ['a comma too many', `{"a":${u8(0, 1)},}`, 1, 'expected'],
    ['a string without an end', '{"a', 0, 'no end'],
    ['a string that ends in a backslash', '{"a\\', 0, 'no end'],
    ['a wrong escape', '{"\\x":1}', 0, 'escape'],
    ['a control character', `{"a\u0001":${u8(0, 1)}}`, 1, 'control'],
    ['half a surrogate pair', `{"\\ud800":${u8(0, 1)}}`, 1, 'surrogate'],
    ['a name twice', `{"a":${u8(0, 1)},"a":${u8(1, 2)}}`, 2, 'twice'],
    ['a name twice, once escaped', `{"a":${u8(0, 1)},"\\u0061":${u8(1, 2)}}`, 2, 'twice'],
    ['a field twice', '{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}', 1, 'twice'],
    ['metadata twice', '{"__metadata__":{},"__metadata__":{}}', 0, 'twice'],
    ['a key of the metadata twice', '{"__metadata__":{"a":"","a":""}}', 0, 'twice'],
    ['metadata that is no text', '{"__metadata__":{"a":1}}', 0, 'expected'],
    ['metadata that is no object', '{"__metadata__":"text"}', 0, 'expected'],
    ['an unknown field', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":[]}}', 1, 'unknown field "x"'],
    ['a missing field', '{"a":{"dtype":"U8","shape":[1]}}', 1, 'needs dtype'],
    ['an unknown type', '{"a":{"dtype":"X8","shape":[1],"data_offsets":[0,1]}}', 1, 'unknown element type'],
    ['one offset', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[1]}}', 1, 'needs dtype'],
    ['three offsets', '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}', 1, 'more than 2'],
    ['a negative side', `{"a":${u8(0, 1, '[-1]')}}`, 1, 'integer'],
    ['a side with a fraction', `{"a":${u8(0, 1, '[1.0]')}}`, 1, 'expected'],
    ['a side with an exponent', `{"a":${u8(0, 1, '[1e0]')}}`, 1, 'expected'],
    ['a side with a leading zero', `{"a":${u8(0, 1, '[01]')}}`, 1, 'integer'],
    ['a side of 2^53', `{"a":${u8(0, 1, '[9007199254740992]')}}`, 1, 'integer'],
    ['a side of 2^64 and a bit', `{"a":${u8(0, 1, '[18446744073709551617]')}}`, 1, 'integer'],
    ['a shape whose product overflows', `{"a":${u8(0, 1, '[4294967296,4294967296,4294967297]')}}`, 1, 'overflows'],
    ['an overflow hidden by a zero', `{"a":${u8(0, 0, '[4294967296,4294967296,0]')}}`, 0, 'overflows'],
    ['too many dimensions', `{"a":${u8(0, 1, `[${Array(17).fill(1)}]`)}}`, 1, 'more than 16'],
    ['a range that ends before it begins', `{"a":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}`, 2, 'range 2 to 1'],
    ['a range that does not fit the shape', `{"a":${u8(0, 2, '[3]')}}`, 2, 'takes 3 bytes'],
    ['a hole', `{"a":${u8(0, 1)},"b":${u8(2, 3)}}`, 3, 'begins at 2'],
    ['a hole at the beginning', `{"a":${u8(1, 2)}}`, 2, 'begins at 1'],
    ['an overlap', `{"a":${u8(0, 2)},"b":${u8(1, 3)}}`, 3, 'begins at 1'],
    ['two tensors of one range', `{"a":${u8(0, 2)},"b":${u8(0, 2)}}`, 2, 'begins at 0'],
    ['bytes that are missing', `{"a":${u8(0, 2)}}`, 1, 'take 2 bytes, but 1 follow'],
    ['trailing bytes', `{"a":${u8(0, 2)}}`, 6, 'take 2 bytes, but 6 follow'],
    ['trailing bytes after no tensors', '{}', 1, 'take 0 bytes, but 1 follow'],
  ]
  test.each(cases)('%s', async (_, header, data, problem) => {
    await expect(open(fileOf(header, data))).rejects.toMatchObject(invalid(problem))
  })

  test('a header that is not UTF-8', async () => {
    await expect(open(fileOf(Buffer.from('7b22ff223a', 'hex')))).rejects.toMatchObject(invalid('UTF-8'))
  })

  test('header lengths outside the file or above the limit, before anything is allocated', async () => {
    for (const claimed of [3n, 1_000_000n, 100_000_000n])
      await expect(open(fileOf('{}', 0, claimed))).rejects.toMatchObject(invalid('only 2 are left'))
    for (const claimed of [100_000_001n, 2n ** 63n, 2n ** 64n - 1n])
      await expect(open(fileOf('{}', 0, claimed))).rejects.toMatchObject(invalid('at most 100000000'))
  })

  test('more tensors than a network can have', async () => {
    const header = (bytes: number) =>
      `{${Array.from({ length: 100_001 }, (_, i) => `"${i}":${u8(i * bytes, (i + 1) * bytes)}`)}}`
    const file = fileOf(header(200), 100_001 * 200)
    await expect(open(file)).rejects.toMatchObject(invalid('more than 100000 tensors'))
    // R50: without elements they would take far more memory than the file has bytes.
    await expect(open(fileOf(header(0)))).rejects.toMatchObject(invalid('more memory than twice its length'))
  })

  test('a file that is cut anywhere', async () => {
    const path = join(temporaryFolder(), 'x.safetensors')
    await writeSafetensors(path, trainerTensors.slice(0, 4), read, { a: 'b' })
    const content = readFileSync(path)
    for (let length = 0; length < content.length; length++) {
      writeFileSync(path, content.subarray(0, length))
      await expect(open(path)).rejects.toMatchObject(invalid())
    }
  })

  test('a file that shrinks after it was opened', async () => {
    const path = join(temporaryFolder(), 'x.safetensors')
    await writeSafetensors(path, trainerTensors, read)
    const reader = await openSafetensors(path)
    writeFileSync(path, readFileSync(path).subarray(0, 700))
    await expect(reader.read('random.cpu')).rejects.toMatchObject(invalid('shorter'))
    await reader.close()
  })

  test('what is no file', async () => {
    await expect(open(temporaryFolder())).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })
})
