// The parsers of files of tensors that are fuzzed: safetensors, and both forms of torch.save.
import { readFileSync } from 'node:fs'
import { brotliDecompressSync, crc32 } from 'node:zlib'
import { dense, json, storedZip, words } from './fuzz-bytes.mjs'

/** Bytes of a safetensors file. */
function safetensors(header, dataBytes) {
  const text = json(header)
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes, 7)])
}

const tensor = (dtype, shape, begin, end) => ({ dtype, shape, data_offsets: [begin, end] })

export function safetensorsTarget({ openSafetensors }, memory) {
  return {
    name: 'safetensors',
    seeds: [
      safetensors({}, 0),
      safetensors({ a: tensor('U8', [3], 0, 3) }, 3),
      safetensors({ __metadata__: { k: 'v' }, 'm.w': tensor('F32', [2, 3], 0, 24), b: tensor('I64', [], 24, 32) }, 32),
      safetensors(
        { x: tensor('BF16', [0, 9], 0, 0), y: tensor('F64', [2], 0, 16), z: tensor('BOOL', [1], 16, 17) },
        17,
      ),
    ],
    dense: () => {
      const text = dense('{', (i) => `"${i.toString(36)}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`, '}', ',')
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(text.length))
      return [Buffer.concat([length, text])]
    },
    words: [...words, '"dtype":"F32"', '"shape":[1]', '"data_offsets":[0,4]', '"__metadata__":{}', 'F16', 'U64'],
    // The length field is made right again.
    repair(bytes) {
      if (bytes.length < 8) return bytes
      const end = Buffer.from(bytes).lastIndexOf('}')
      const copy = Buffer.from(bytes)
      copy.writeBigUInt64LE(BigInt(Math.max(0, end + 1 - 8)))
      return copy
    },
    async parse(bytes) {
      const reader = await openSafetensors(memory(bytes))
      try {
        for (const { name } of reader.tensors) await reader.read(name)
      } finally {
        await reader.close()
      }
    },
  }
}

const fixture = (name) => brotliDecompressSync(readFileSync(new URL(`../fixtures/pytorch/${name}.br`, import.meta.url)))

/** Makes the checksums of a zip file right again, as far as its directory can be followed. */
function repairZip(bytes) {
  const copy = Buffer.from(bytes)
  for (let at = copy.indexOf('PK\x01\x02'); at >= 0; at = copy.indexOf('PK\x01\x02', at + 1)) {
    if (at + 46 > copy.length) break
    const [size, local] = [copy.readUInt32LE(at + 20), copy.readUInt32LE(at + 42)]
    if (local + 30 > copy.length) continue
    const begin = local + 30 + copy.readUInt16LE(local + 26) + copy.readUInt16LE(local + 28)
    if (begin + size <= copy.length) copy.writeUInt32LE(crc32(copy.subarray(begin, begin + size)), at + 16)
  }
  return copy
}

/** Files of torch.save: the structure, every tensor of it, and what an import makes of them. */
export function pytorchTargets({ openPytorch, openImported }, memory) {
  async function parse(bytes) {
    const reader = await openPytorch(memory(bytes))
    try {
      for (const [, value] of reader.root?.entries?.() ?? []) if (value?.strides) await reader.read(value)
    } finally {
      await reader.close()
    }
    const imported = await openImported([memory(bytes)], {})
    try {
      for (const tensor of imported.tensors) await tensor.read()
    } finally {
      await imported.close()
    }
  }
  const words = ['cos\nsystem\n', 'cbuiltins\neval\n', 'ctorch\nHalfStorage\n', 'ccollections\nOrderedDict\n']
  const opcodes = ['R', 'b', 'Q', 'q\0', 'h\0', 'h\x01', '}(', ']', '(', 't', 'u', 's', 'e', '.', 'N', 'K\x03', '\x85']
  const all = { words: [...words, ...opcodes], parse }
  // Empty tuples, lists, dictionaries, numbers and texts: a byte or two each.
  const bodies = [')', ']', '}', 'K\x01', 'G\x3f\xf8\0\0\0\0\0\0', '\x8c\0']
  const head = fixture('netG.pth.legacy')
  const magic = head.subarray(0, head.indexOf('.', head.indexOf('little_endian')) + 1)
  return [
    {
      name: 'PyTorch zip',
      seeds: [fixture('netG.pth')],
      repair: repairZip,
      // Entries of a directory.
      dense: () => [storedZip(Array.from({ length: 60_000 }, (_, i) => [`a/${i.toString(36)}`, Buffer.alloc(0)]))],
      ...all,
    },
    {
      name: 'PyTorch legacy',
      seeds: [fixture('netG.pth.legacy')],
      dense: () => bodies.map((body) => Buffer.concat([magic, dense('\x80\x02(', body, 'l.')])),
      ...all,
    },
  ]
}
