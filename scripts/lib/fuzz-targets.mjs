// The parsers that are fuzzed: each with inputs that it takes, the words of its format, and how it is called.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { brotliDecompressSync, crc32 } from 'node:zlib'

const json = (value) => Buffer.from(JSON.stringify(value))

/** Bytes of a safetensors file. */
function safetensors(header, dataBytes) {
  const text = json(header)
  const prefix = Buffer.alloc(8)
  prefix.writeBigUInt64LE(BigInt(text.length))
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes, 7)])
}

/** `text` again and again between two others: about `DENSE_BYTES` of the smallest things that a format can name. */
const DENSE_BYTES = 5_000_000
const dense = (before, text, after, separator = '') => {
  const one = typeof text === 'function' ? text : () => text
  const parts = [before]
  for (let bytes = 0, i = 0; bytes < DENSE_BYTES; i++) {
    parts.push((i > 0 ? separator : '') + one(i))
    bytes += parts.at(-1).length
  }
  return Buffer.from([...parts, after].join(''), 'latin1')
}

const tensor = (dtype, shape, begin, end) => ({ dtype, shape, data_offsets: [begin, end] })

/** Lets `path` be read as a file of these bytes and takes what is written: a real disk would be most of the time. */
function memoryOf({ source, disk }) {
  const written = {}
  Object.assign(disk, {
    open: async () => written,
    write: async (_, bytes) => bytes.length,
    truncate: async () => {},
    sync: async () => {},
    close: async () => {},
    rename: async () => {},
    remove: async () => {},
  })
  return (bytes) => {
    source.open = async () => ({
      stat: async () => ({ isFile: () => true, size: bytes.length }),
      read: async (into, offset, length, position) => {
        const piece = bytes.subarray(position, position + length)
        into.set(piece, offset)
        return { bytesRead: piece.length, buffer: into }
      },
      close: async () => {},
    })
    return 'memory'
  }
}

const words = ['{', '}', '[', ']', ':', ',', '"', 'true', 'null', '\\u0041', '1e9', '-5']

function safetensorsTarget({ openSafetensors }, memory) {
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

const fixture = (name) =>
  brotliDecompressSync(readFileSync(new URL(`../../test/fixtures/pytorch/${name}.br`, import.meta.url)))

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

/** A zip file of entries that are stored. */
function storedZip(entries) {
  const [files, directory] = [[], []]
  let at = 0
  for (const [name, content] of entries) {
    const local = Buffer.alloc(30 + name.length)
    local.write('PK\x03\x04', 0, 'latin1')
    local.writeUInt32LE(crc32(content), 14)
    local.writeUInt32LE(content.length, 18)
    local.writeUInt32LE(content.length, 22)
    local.writeUInt16LE(name.length, 26)
    local.write(name, 30, 'latin1')
    const central = Buffer.alloc(46 + name.length)
    central.write('PK\x01\x02', 0, 'latin1')
    local.copy(central, 10, 8, 30)
    central.writeUInt32LE(at, 42)
    central.write(name, 46, 'latin1')
    files.push(local, content)
    directory.push(central)
    at += local.length + content.length
  }
  const end = Buffer.alloc(22)
  const central = Buffer.concat(directory)
  end.write('PK\x05\x06', 0, 'latin1')
  end.writeUInt16LE(Math.min(entries.length, 0xfffe), 8)
  end.writeUInt16LE(Math.min(entries.length, 0xfffe), 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...files, central, end])
}

/** Files of torch.save: the structure, every tensor of it, and what an import makes of them. */
function pytorchTargets({ openPytorch, openImported }, memory) {
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

function cursorTarget({ JsonCursor, ShinsakuError }) {
  return {
    name: 'json cursor',
    // What a value must be follows from the length of its key.
    seeds: [
      json({ a: [1, 2], abc: 'text', ab: { x: [{}, [-1.5e3, true, null, '\n']] } }),
      json({ 'k\n"': '\u65b0\u4f5c', __proto__x: [] }),
      json({}),
    ],
    words,
    dense: () => [dense('{"ab":[', '[]', ']}', ',')],
    parse(bytes) {
      const cursor = new JsonCursor(bytes, (problem) => {
        throw new ShinsakuError('SAFETENSORS_INVALID', problem)
      })
      cursor.object((key) => {
        if (key.length % 3 === 0) cursor.string()
        else if (key.length % 3 === 1) cursor.integers(16)
        else cursor.skip()
      })
      cursor.end()
    },
  }
}

function checkpointTargets({ makeManifest, readManifest, readJson, stateSchema }, memory) {
  const file = (bytes, fill) => ({ bytes, sha256: fill.repeat(64) })
  const files = {
    'model.safetensors': file(1200, 'a'),
    'optimizer.safetensors': file(2400, '0'),
    'state.json': file(180, 'f'),
  }
  const text = (value) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
  const origin = { options: 'b'.repeat(64), pictures: null }
  const state = { images: 128, updates: 32, epoch: 1, elapsedSeconds: 1.25 }
  return [
    {
      name: 'manifest.json',
      seeds: [
        text(makeManifest('0.1.0', 128, origin, files)),
        text(makeManifest('1.2.3-x', 128, { ...origin, pictures: 'c'.repeat(64) }, files)),
      ],
      words: [...words, '"format": 1', '"format": 2', '"images": 128', '"sha256"', '"files"'],
      repair(bytes) {
        try {
          const { format, sha256, shinsaku, images, origin, files, ...more } = JSON.parse(Buffer.from(bytes).toString())
          return text({ ...makeManifest(shinsaku, images, origin, files), ...more })
        } catch {
          return bytes
        }
      },
      parse(bytes) {
        memory(bytes)
        return readManifest('checkpoints/000000128')
      },
    },
    {
      name: 'state.json',
      seeds: [
        text({ ...state, pending: { count: 0, sums: {} } }),
        text({ ...state, pending: { count: 3, sums: { loss: 0.5, gradNorm: 1e-3 } } }),
      ],
      dense: () => [
        dense('{"images":0,"pending":{"count":0,"sums":{', (i) => `"${i.toString(36)}":0`, '}}}', ','),
        dense('{"images":[', '[]', ']}', ','),
      ],
      words: [...words, '"pending"', '"sums"', '"count"'],
      parse: (bytes) => readJson(memory(bytes), stateSchema, 'CHECKPOINT_INVALID'),
    },
  ]
}

function runTargets({ readConfig, resolveTrain, readDatasetFiles, readDatasetRecord, truncateMetrics }, memory) {
  const configOf = (options) => json({ format: 1, shinsaku: '0.1.0', options })
  const picture = { path: 'a/b.png', sha256: 'a'.repeat(64), bytes: 9, width: 8, height: 8, licence: null }
  const lines = Array.from({ length: 6 }, (_, i) => JSON.stringify({ images: i * 20, loss: 1 / (i + 1) }))
  return [
    {
      name: 'config.json',
      seeds: [
        configOf(resolveTrain({ size: 32, dim: 16, dimMults: [1, 2] })),
        configOf(resolveTrain({ model: 'dcgan', data: ['a.png', 'b.png'], maxTime: '20m' })),
      ],
      dense: () => [
        ...['[]', '{}', '1', '1.5', '""'].map((value) =>
          dense('{"format":1,"shinsaku":"","options":{"data":[', value, ']}}', ','),
        ),
        dense('{"format":1,"shinsaku":"","options":{', (i) => `"${i.toString(36)}":0`, '}}', ','),
      ],
      words: [...words, '"model":"dcgan"', '"unet":"2022"', '"dimMults":[1]', '"data":', '"20m"', '#ffffff'],
      parse: async (bytes) => {
        resolveTrain(await readConfig(memory(bytes)))
      },
    },
    {
      name: 'dataset.json',
      seeds: [
        json({ version: 1, data: 'x', count: 1, digest: 'b'.repeat(64), files: [picture], skipped: [], ignored: {} }),
        json({ digest: 'c', count: 3 }),
      ],
      dense: () => [dense('{"digest":"c","count":3,"files":[', '{"path":"","sha256":""}', ']}', ',')],
      words: [...words, '"digest":"d"', '"count":4'],
      async parse(bytes) {
        await readDatasetRecord(memory(bytes))
        await readDatasetFiles(memory(bytes))
      },
    },
    {
      name: 'metrics.jsonl',
      seeds: [Buffer.from(`${lines.join('\n')}\n`), Buffer.from('{"images":1}\n{"images":'), Buffer.alloc(0)],
      dense: () => [dense('', '\n', ''), dense('', '{"images":1}\n', ''), dense('', '[],', '')],
      words: [...words, '\n', '{"images":50}\n', '{"images":1e400}\n', '[]\n', 'null\n', '{"images":"1"}\n'],
      parse: (bytes) => truncateMetrics(memory(bytes), 50),
    },
  ]
}

function eventsTarget({ frame, imageValue, maskedCrc, scalarValue, scanEvents, summaryEvent, versionEvent }, memory) {
  const png = Buffer.alloc(90, 'png')
  const events = [
    versionEvent(1e9),
    summaryEvent(1e9, 200, [scalarValue('loss', 0.5), scalarValue('epoch', 3)]),
    summaryEvent(1e9, 5e9, [imageValue('samples', png, 9, 8)]),
  ]
  return {
    name: 'event file',
    seeds: [Buffer.concat(events.map(frame)), frame(events[0]), Buffer.concat([frame(events[1]), frame(events[2])])],
    dense: () => {
      const field = (number, content) => {
        const head = Buffer.alloc(11)
        head.writeUInt8(number * 8 + 2, 0)
        let [at, rest] = [1, content.length]
        for (; rest > 127; rest = Math.floor(rest / 128)) head.writeUInt8((rest % 128) + 128, at++)
        head.writeUInt8(rest, at)
        return Buffer.concat([head.subarray(0, at + 1), content])
      }
      const tag = field(1, field(1, Buffer.from('x')))
      return [
        dense('', frame(Buffer.alloc(0)).toString('latin1'), ''),
        frame(Buffer.alloc(DENSE_BYTES, '\x08\x01')),
        frame(field(5, Buffer.alloc(DENSE_BYTES, tag))),
        frame(field(5, Buffer.alloc(DENSE_BYTES, field(1, Buffer.alloc(0))))),
      ]
    },
    words: ['brain.Event:2', 'loss', '\x12\x80', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01', '\x2a'],
    // Checksums of the records as far as their lengths lead.
    repair(bytes) {
      const copy = Buffer.from(bytes)
      for (let at = 0; at + 16 <= copy.length; ) {
        const length = Number(copy.readBigUInt64LE(at))
        copy.writeUInt32LE(maskedCrc(copy.subarray(at, at + 8)), at + 8)
        if (length > copy.length - at - 16) break
        copy.writeUInt32LE(maskedCrc(copy.subarray(at + 12, at + 12 + length)), at + 12 + length)
        at += 16 + length
      }
      return copy
    },
    async parse(bytes) {
      await scanEvents(memory(bytes), ({ end, step, tags }) => {
        if (!(end <= bytes.length) || typeof step !== 'number' || !tags) throw new TypeError('a record of another form')
      })
    },
  }
}

function datasetTargets({ readLicences, matchesGlob, loadPixels, readXmp, forbidsTraining, writeXmp }, memory) {
  const pixels = (outcomes, bytes) => {
    const text = json(outcomes)
    const head = Buffer.concat([Buffer.from('SHPIXEL1'), Buffer.alloc(4)])
    head.writeUInt32LE(text.length, 8)
    return sealed(Buffer.concat([head, text, Buffer.alloc(bytes, 9)]))
  }
  const sealed = (body) => Buffer.concat([body, createHash('sha256').update(body).digest()])
  const outcome = { width: 9, height: 8, format: 'png', optOut: false }
  return [
    {
      name: 'LICENSES.csv',
      seeds: [
        Buffer.from('file,licence,author,source,optOut\n**,CC0-1.0,all,,\na/*.png,MIT,"A, B",https://x,yes\n'),
        Buffer.from('\ufeffLicense, OptOut ,Glob\r\n\r\nMIT,Yes,a.png\r\nMIT,no,"b\n""c.png"\r\n'),
      ],
      dense: () => [
        dense('file,licence\n', (i) => `${i.toString(36)},x\n`, ''),
        dense('file,licence\n', '*,x\n', ''),
        dense('file,licence,author,source\n', ',,,\n', ''),
      ],
      words: ['file', 'licence', 'author', 'source', 'optOut', ',', '\n', '"', '""', '\r', '*', '**', '?', 'yes', 'no'],
      async parse(bytes) {
        const paths = ['a/b.png', 'b\n"c.png', '__proto__', 'a.png']
        const licences = await readLicences(memory(bytes), paths)
        for (const path of paths) {
          const { licence, optOut } = licences.of(path) ?? { licence: '', optOut: false }
          if (typeof licence !== 'string' || typeof optOut !== 'boolean') throw new TypeError('a row of another form')
        }
        licences.unused()
      },
    },
    {
      name: 'glob',
      seeds: ['a/b/c.png\na/**/*.png', 'aaaaaaaaaaaaaaaa\n*a*a*a*b', '/\n**', 'x.png\n?.png'].map((s) =>
        Buffer.from(s),
      ),
      words: ['*', '**', '?', '/', '**/', 'a', '\n'],
      parse(bytes) {
        const [path, pattern = ''] = Buffer.from(bytes).toString().split('\n')
        // Longer names exist on no file system; a name is not matched with a longer pattern.
        matchesGlob(path.slice(0, 4096), pattern.slice(0, 1024))
      },
    },
    {
      name: 'pixel cache',
      seeds: [
        pixels([outcome, { reason: 'it is empty' }], 192),
        pixels([outcome, { ...outcome, optOut: true, format: 'jpeg' }], 384),
        pixels([{ reason: 'x' }], 0),
      ],
      // Of as many pictures as its outcomes: what it holds is not more than what is there already.
      dense: () => [pixels([[]], 0), pixels(Array(1_600_000).fill([]), 0)],
      words: [...words, '"reason":"x"', '"width":1', '"optOut":true', 'SHPIXEL1'],
      repair(bytes) {
        const body = Buffer.from(bytes.subarray(0, Math.max(0, bytes.length - 32)))
        const end = body.lastIndexOf(']')
        if (end >= 12) body.writeUInt32LE(end + 1 - 12, 8)
        return sealed(body)
      },
      async parse(bytes) {
        const kept = await loadPixels(memory(bytes), { size: 8, channels: 3 }, 2)
        if (kept && (kept.outcomes.length !== 2 || kept.pixels.length % 192 !== 0)) throw new Error('another form')
      },
    },
    {
      name: 'XMP',
      seeds: [Buffer.from(writeXmp({ seed: 3, model: 'x' })), Buffer.from('<x>trainingminingnotAllowed</x>')],
      dense: () => [
        dense(
          '<Iptc4xmpExt:DigitalSourceType>x</Iptc4xmpExt:DigitalSourceType><shinsaku:settings>[',
          '[]',
          ']</shinsaku:settings>',
          ',',
        ),
        dense('', 'training', ''),
      ],
      words: ['<shinsaku:settings>', '</shinsaku:settings>', '&quot;', '&amp;', 'training', 'mining', 'DMI-PROHIBITED'],
      parse(bytes) {
        const text = Buffer.from(bytes).toString()
        readXmp(text)
        forbidsTraining(text)
      },
    },
  ]
}

/** All targets, over the modules of lib/ handed in. Files are read from and written to memory from here on. */
export function makeTargets(modules) {
  const memory = memoryOf(modules)
  return [
    safetensorsTarget(modules, memory),
    ...pytorchTargets(modules, memory),
    cursorTarget(modules),
    ...checkpointTargets(modules, memory),
    ...runTargets(modules, memory),
    eventsTarget(modules, memory),
    ...datasetTargets(modules, memory),
  ]
}

/** Files of lib/ that the targets need, without their extension. */
export const moduleNames = [
  'checkpoint/records',
  'checkpoint/verify',
  'dataset/glob',
  'dataset/licences',
  'dataset/pixel-cache',
  'errors',
  'files/json-cursor',
  'files/read',
  'files/write',
  'import/open',
  'options/resolve',
  'pytorch/pytorch',
  'run/dataset-record',
  'run/directory',
  'run/event-reader',
  'run/event-records',
  'run/metrics',
  'safetensors/safetensors',
  'xmp',
]
