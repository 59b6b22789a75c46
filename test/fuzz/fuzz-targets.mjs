// The parsers that are fuzzed: each with inputs that it takes, the words of its format, and how it is called.
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { DENSE_BYTES, dense, json, words } from './fuzz-bytes.mjs'
import { pytorchTargets, safetensorsTarget } from './fuzz-tensors.mjs'

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
      words: [...words, '"model":"dcgan"', '"variant":"0.26"', '"dimMults":[1]', '"data":', '"20m"', '#ffffff'],
      parse: async (bytes) => {
        resolveTrain(await readConfig(memory(bytes)))
      },
    },
    {
      name: 'dataset.json',
      seeds: [
        json({ version: 1, data: 'x', count: 1, digest: 'b'.repeat(64), files: [picture], skipped: [], ignored: {} }),
        json({ digest: 'c', count: 3, files: [{ path: 'a', sha256: 'd' }] }),
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

function datasetTargets(modules, memory) {
  const { readLicences, matchesGlob, openPixels, OutcomeTable, RECORD_BYTES, readXmp, forbidsTraining, writeXmp } =
    modules
  const pixels = (outcomes, bytes) => {
    const list = outcomes.map((_, i) => ({
      item: { path: `${i}`, file: `${i}` },
      bytes: 1,
      sha256: `${i}`.padStart(64, 'c'),
    }))
    const table = OutcomeTable.of(list)
    for (const [index, one] of outcomes.entries()) table.set(index, one)
    const rows = Buffer.alloc(bytes, 9)
    for (let i = 0; i < outcomes.length; i++) table.setCheck(i, crc32(rows.subarray(0, 192)))
    const shards = [{ rows: bytes / 192, sha256: createHash('sha256').update(rows).digest('hex') }]
    const text = json({ count: outcomes.length, ...table.texts, shards })
    const length = Buffer.alloc(4)
    length.writeUInt32LE(text.length)
    return Buffer.concat([Buffer.from('SHPIXEL4'), rows, sealed(Buffer.concat([table.bytes, text, length]))])
  }
  const sealed = (body) => Buffer.concat([body, createHash('sha256').update(body).digest()])
  const thumbnail = Buffer.alloc(288, 128).toString('base64')
  const measures = { brightness: 9, contrast: 1, colour: 0, colourContrast: 0, detail: [1, 2], blocks: [1, 2] }
  const outcome = { width: 9, height: 8, format: 'png', optOut: false, thumbnail, measures }
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
        const [path = '', pattern = ''] = Buffer.from(bytes).toString().split('\n')
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
      dense: () => [pixels([{ reason: 'x' }], 0), pixels(Array(16_000).fill({ reason: 'x' }), 0)],
      words: [...words, '"reasons":["x"]', '"formats":["png"]', '"count":2', '"shards":', '"rows":1', 'SHPIXEL4'],
      // The text and its length, and the hash of all from the records on.
      repair(bytes) {
        const body = Buffer.from(bytes.subarray(0, Math.max(0, bytes.length - 32)))
        const [begin, end] = [body.lastIndexOf('{"count":'), body.lastIndexOf('}')]
        const count = Number(/"count":(\d{1,4}),/.exec(body.toString('latin1', Math.max(0, begin)))?.[1] ?? 0)
        const records = begin - count * RECORD_BYTES
        if (begin < 0 || end < begin || records < 0) return body
        const length = Buffer.alloc(4)
        length.writeUInt32LE(end + 1 - begin)
        return Buffer.concat([
          body.subarray(0, records),
          sealed(Buffer.concat([body.subarray(records, end + 1), length])),
        ])
      },
      async parse(bytes) {
        const kept = await openPixels(memory(bytes), { size: 8, channels: 3 }, 'memory')
        if (kept && kept.store.resident.length !== 192 * kept.outcomes.rows) throw new Error('another form')
        const left = await openPixels(memory(bytes), { size: 8, channels: 3 }, 'file')
        const rows = await left?.store.read([...Array(left.store.count).keys()])
        await left?.store.close()
        if (rows && !Buffer.from(rows).equals(kept.store.resident)) throw new Error('another content')
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
  'data/glob',
  'data/licences',
  'data/outcome-table',
  'data/pixel-cache',
  'errors',
  'files/json-cursor',
  'files/read',
  'files/write',
  'convert/import/open',
  'options/resolve',
  'pytorch/pytorch',
  'run/dataset-record',
  'run/directory',
  'run/event-reader',
  'run/event-records',
  'run/metrics',
  'safetensors/safetensors',
  'images/xmp',
]
