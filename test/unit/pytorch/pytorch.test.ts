import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openPytorch } from '../../../lib/pytorch/pytorch.ts'
import type { Dict, List, Tensor } from '../../../lib/pytorch/values.ts'
import {
  call,
  fileOf,
  pickled,
  Raw,
  sixFloats,
  type TensorForm,
  tensor,
  torchLegacy,
  torchZip,
  tuple,
  zipOf,
} from '../../helpers/torch-files.ts'

const invalid = (problem: string | RegExp) => ({ code: 'PYTORCH_INVALID', message: expect.stringMatching(problem) })

async function open(bytes: Uint8Array) {
  const reader = await openPytorch(fileOf(bytes))
  await reader.close()
  return reader.root
}

/** The floats of the tensor named x. */
async function floatsOf(bytes: Uint8Array): Promise<number[]> {
  const reader = await openPytorch(fileOf(bytes))
  try {
    const read = await reader.read((reader.root as Dict).get('x') as Tensor)
    return [...new Float32Array(read.buffer, read.byteOffset, read.length / 4)]
  } finally {
    await reader.close()
  }
}

const withTensor = (form: TensorForm) => pickled({ x: tensor(form) })

describe.each([
  ['zip', torchZip],
  ['legacy', torchLegacy],
] as const)('%s form', (_, container) => {
  test('containers and numbers come back', async () => {
    const root = (await open(container(pickled({ a: [1, -2, 0.5, null, true], b: { c: 'é' } }), {}))) as Dict
    expect((root.get('a') as List).items).toEqual([1, -2, 0.5, null, true])
    expect((root.get('b') as Dict).get('c')).toBe('é')
  })

  test.each([
    [{}, [0, 1, 2, 3, 4, 5]],
    [{ shape: [3, 2], strides: [1, 3] }, [0, 3, 1, 4, 2, 5]],
    [{ shape: [2], strides: [2], offset: 1 }, [1, 3]],
    [{ shape: [], strides: [], offset: 5 }, [5]],
    [{ shape: [0, 4], strides: [4, 1] }, []],
    [{ shape: [2, 1, 3], strides: [3, 77, 1] }, [0, 1, 2, 3, 4, 5]],
    [{ shape: [2, 2], strides: [0, 1], offset: 2 }, [2, 3, 2, 3]],
  ])('a tensor of %j is read in row-major order', async (form, expected) => {
    expect(await floatsOf(container(withTensor(form)))).toEqual(expected)
  })

  test.each([
    [{ shape: [2, 4] }, 'does not fit'],
    [{ offset: 1 }, 'does not fit'],
    [{ shape: [7], strides: [0] }, 'does not fit'],
    [{ shape: [2, 3], strides: [3] }, '2 sides, but 1 strides'],
    [{ shape: [-1], strides: [1] }, 'integers from 0 up'],
    [{ shape: [2 ** 30, 2 ** 30], strides: [1, 1] }, 'overflows'],
    [{ shape: new Array(17).fill(1), strides: new Array(17).fill(1) }, 'up to 16'],
    [{ elements: 7 }, /storage "0" should have/],
    [{ key: '1' }, /storage "[01]" (should have|is not used)/],
    [{ type: 'DoubleStorage' }, /storage "0" should have|cut short/],
  ])('a tensor of %j is refused', async (form, problem) => {
    await expect(open(container(withTensor(form)))).rejects.toMatchObject(invalid(problem))
  })

  test('a parameter is its tensor; attributes of a state dict are left out', async () => {
    const parameter = call('torch._utils', '_rebuild_parameter', tensor(), true, call('collections', 'OrderedDict'))
    const dict = new Raw(
      call('collections', 'OrderedDict').bytes,
      '(',
      pickled('x').subarray(2, -1),
      parameter.bytes,
      'u}(',
      pickled('_metadata').subarray(2, -1),
      '}ub',
    )
    expect(await floatsOf(container(pickled(dict)))).toEqual([0, 1, 2, 3, 4, 5])
  })

  test.each([
    ['os', 'system'],
    ['posix', 'system'],
    ['builtins', 'eval'],
    ['__builtin__', 'exec'],
    ['subprocess', 'Popen'],
    ['torch', 'load'],
    ['torch.jit._pickle', 'restore_type_tag'],
    ['collections', 'namedtuple'],
    ['torch._utils', '_rebuild_tensor'],
    ['numpy.core.multiarray', '_reconstruct'],
  ])('%s.%s is refused by name, and nothing runs', async (module, name) => {
    const trace = fileOf(Buffer.alloc(0), 'trace').replace(/trace$/, 'ran')
    const hostile = [
      pickled(call(module, name, `touch ${trace}`)),
      pickled({ x: tensor(), y: call(module, name, `touch ${trace}`) }),
      // Protocol 4: both parts of the name are texts.
      Buffer.concat([
        Buffer.from([0x80, 4, 0x8c, module.length]),
        Buffer.from(module),
        Buffer.from([0x8c, name.length]),
        Buffer.from(name),
        Buffer.from([0x93]),
        opcodesOf(`touch ${trace}`),
        Buffer.from('\x85R.', 'latin1'),
      ]),
    ]
    for (const bytes of hostile)
      await expect(open(container(bytes))).rejects.toMatchObject({
        code: 'PICKLE_REFUSED',
        message: expect.stringContaining(`"${module}.${name}"`),
      })
    expect(existsSync(trace)).toBe(false)
  })
})

describe('what programs keep beside their tensors', () => {
  const order = tuple(3, '<', null, null, null, -1, -1, 0)
  const type = (code: string, state = order) =>
    new Raw(call('numpy', 'dtype', code, false, true).bytes, state.bytes, 'b')
  const bytesOf = (text: string) => call('_codecs', 'encode', text, 'latin1')
  const scalar = (code: string, text: string, module = 'numpy.core.multiarray') =>
    call(module, 'scalar', type(code), bytesOf(text))

  test.each([
    ['i8', '\x03\0\0\0\0\0\0\0', 3],
    ['i8', '\xfe\xff\xff\xff\xff\xff\xff\xff', -2],
    ['u8', '\xff\xff\xff\xff\xff\xff\xff\xff', 2n ** 64n - 1n],
    ['f8', '\0\0\0\0\0\0\xf8\x3f', 1.5],
    ['f4', '\0\0\xc0\x3f', 1.5],
    ['i2', '\x01\x02', 513],
    ['u1', '\xff', 255],
    ['b1', '\x01', true],
  ])('a number of numpy of type %s is that number', async (code, text, value) => {
    for (const module of ['numpy.core.multiarray', 'numpy._core.multiarray'])
      expect(((await open(torchZip(pickled({ epoch: scalar(code, text, module) })))) as Dict).get('epoch')).toBe(value)
  })

  test('an argparse.Namespace is its values, made by either opcode', async () => {
    for (const made of ['R', '\x81']) {
      const args = new Raw('cargparse\nNamespace\n)', made, pickled({ nz: 16, out: 'runs' }).subarray(2, -1), 'b')
      const root = (await open(torchZip(pickled({ x: tensor(), args })))) as Dict
      expect((root.get('args') as Dict).entries()).toEqual([
        ['nz', 16],
        ['out', 'runs'],
      ])
    }
  })

  const big = tuple(3, '>', null, null, null, -1, -1, 0)
  test.each([
    ['of another type', scalar('O8', 'x'), 'is "O8"'],
    ['of another length', scalar('i8', 'x'), 'has 1 bytes, but its type i8 has 8'],
    ['whose bytes are none', scalar('u1', '\u0142'), 'has 1 bytes|number of numpy'],
    [
      'that is big-endian',
      call('numpy.core.multiarray', 'scalar', type('i2', big), bytesOf('ab')),
      'not little-endian',
    ],
    ['without an order', call('numpy.core.multiarray', 'scalar', call('numpy', 'dtype', 'i2'), bytesOf('ab')), 'order'],
    ['without a type', call('numpy.core.multiarray', 'scalar', 'i2', bytesOf('ab')), 'lacks its type'],
    ['encoded otherwise', call('_codecs', 'encode', 'x', 'rot13'), 'latin1'],
    ['as a Namespace made of something', call('argparse', 'Namespace', 3), 'made of something'],
  ])('a number of numpy %s is refused', async (_, value, problem) => {
    await expect(open(torchZip(pickled({ value })))).rejects.toMatchObject(invalid(new RegExp(problem)))
  })
})

const opcodesOf = (text: string) => pickled(text).subarray(2, -1)

describe('a pickle', () => {
  const raw = (...parts: ConstructorParameters<typeof Raw>) =>
    torchZip(Buffer.concat([Buffer.from([0x80, 2]), new Raw(...parts).bytes]))
  const long = 'x'.repeat(70_000)

  test.each([
    ['that ends in the middle', raw('}'), 'ends in the middle'],
    ['with an opcode of another kind: INST', raw('(ios\nsystem\n.'), 'opcode 0x69'],
    ['with an opcode of another kind: OBJ', raw('(cos\nsystem\no.'), /opcode|os\.system/],
    ['with an opcode of another kind: NEWOBJ_EX', raw('}\x92.'), 'opcode 0x92'],
    ['with an opcode of another kind: EXT1', raw('\x82\x01.'), 'opcode 0x82'],
    ['that calls what is no name', raw('})R.'), 'a dictionary of 0 is called'],
    ['that calls with what is no tuple', raw('ccollections\nOrderedDict\n}R.'), 'instead of a tuple'],
    ['that calls a storage class', raw('ctorch\nFloatStorage\n)R.'), 'torch.FloatStorage is called'],
    ['that recalls what it has not noted', raw('h\x05.'), 'has not noted'],
    ['that takes from an empty stack', raw('.'), 'not there'],
    ['without a mark', raw('}u.'), 'mark that is not there'],
    ['that leaves values behind', raw('}}.'), 'leaves something'],
    ['that appends to a dictionary', raw('}Na.'), 'appends to a dictionary'],
    ['that sets items of a list', raw(']NNs.'), 'sets items of a list'],
    ['with half an item', raw('}(Nu.'), 'without a value'],
    ['with a tuple as a key', raw('})Ns.'), 'as a key'],
    ['with a key twice', raw('}(K\x01NK\x01Nu.'), 'key 1 twice'],
    ['that builds something else', raw(']}b.'), 'as attributes'],
    ['with a persistent id of another kind', raw('NQ.'), 'persistent id'],
    ['with a long text', torchZip(pickled(long), {}), 'text of 70000 bytes'],
    ['with a text that is not UTF-8', raw('X\x01\x00\x00\x00\xff.'), 'not UTF-8'],
    ['with a name without an end', raw(`c${'x'.repeat(400)}\n.`), 'name without an end'],
    ['with a huge integer', raw('\x8a\xff', Buffer.alloc(255), '.'), 'integer of 255 bytes'],
    ['of protocol 0', torchZip(Buffer.from('\x80\x00}.', 'latin1'), {}), 'protocol 0'],
    ['with something behind it', torchZip(Buffer.concat([pickled({}), Buffer.from('x')]), {}), 'follows its pickle'],
  ])('%s is refused', async (_, bytes, problem) => {
    await expect(open(bytes)).rejects.toMatchObject({
      code: expect.stringMatching(/PYTORCH_INVALID|PICKLE_REFUSED/),
      message: expect.stringMatching(problem),
    })
  })

  test('of many small values stops before it fills the memory', async () => {
    for (const value of ['}', ']', '(', ')', 'N', '}q\x00']) {
      const bytes = raw(value.repeat(200_000 / value.length), '.')
      await expect(open(bytes)).rejects.toMatchObject(invalid('more memory than twice its length'))
    }
    await expect(open(raw('N0'.repeat(10), '.'))).rejects.toMatchObject(invalid('opcode 0x30'))
  })

  test('of protocol 4 is read', async () => {
    const memoized = Buffer.from('\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.', 'latin1')
    expect(((await open(torchZip(memoized, {}))) as Dict).get('a')).toBe(1)
  })

  test('tensors that describe one storage in two ways are refused', async () => {
    const twice = pickled({ x: tensor(), y: tensor({ elements: 3, shape: [3], strides: [1] }) })
    await expect(open(torchZip(twice))).rejects.toMatchObject(invalid('described in two ways'))
  })

  test('hooks, metadata and views of storages are refused', async () => {
    const id = (last: Raw | null) =>
      new Raw(tuple('storage', new Raw('ctorch\nFloatStorage\n'), '0', 'cpu', 6, last).bytes, 'Q')
    const rebuild = (storage: Raw, hooks: Raw | null, ...more: Raw[]) =>
      pickled({
        x: call('torch._utils', '_rebuild_tensor_v2', storage, 0, tuple(6), tuple(1), false, hooks as Raw, ...more),
      })
    const none = call('collections', 'OrderedDict')
    const some = new Raw('}(K\x01K\x01u')
    expect(await floatsOf(torchZip(rebuild(id(null), none)))).toHaveLength(6)
    await expect(open(torchZip(rebuild(id(some), none)))).rejects.toMatchObject(invalid('persistent id'))
    await expect(open(torchZip(rebuild(id(null), some)))).rejects.toMatchObject(invalid('hooks'))
    await expect(open(torchZip(rebuild(id(null), none, some)))).rejects.toMatchObject(invalid('metadata'))
  })
})

describe('a zip file', () => {
  const pickle = pickled({ x: tensor() })
  const data = { name: 'archive/data.pkl', bytes: pickle }
  const storage = { name: 'archive/data/0', bytes: sixFloats[0]! }

  test.each([
    ['that is cut short', torchZip(pickle).subarray(0, -1), 'cut short'],
    ['with a compressed entry', zipOf([data, { ...storage, method: 8 }]), 'compressed'],
    ['with an entry twice', zipOf([data, storage, storage]), 'twice'],
    ['without data.pkl', zipOf([storage]), 'data.pkl was expected once'],
    ['with two of them', zipOf([data, { ...data, name: 'other/data.pkl' }]), 'data.pkl was expected once'],
    ['with a stranger', zipOf([data, storage, { name: '../x', bytes: pickle }]), 'lies outside'],
    ['of TorchScript', torchZip(pickle, sixFloats, [{ name: 'archive/code/x.py', bytes: pickle }]), 'TorchScript'],
    ['whose pickle is damaged', zipOf([{ ...data, crc: 1 }, storage]), 'checksum'],
    [
      'whose header is about something else',
      zipOf([{ ...data, localName: 'archive/data.pkx' }, storage]),
      'does not fit its directory',
    ],
    ['without the storage', zipOf([data]), 'is missing'],
    [
      'of another byte order',
      torchZip(pickle, sixFloats, [{ name: 'archive/byteorder', bytes: Buffer.from('big') }]),
      'little-endian',
    ],
  ])('%s is refused', async (_, bytes, problem) => {
    await expect(open(bytes)).rejects.toMatchObject(invalid(problem))
  })

  test('whose storage is damaged is refused when the tensor is read', async () => {
    await expect(floatsOf(zipOf([data, { ...storage, crc: 1 }]))).rejects.toMatchObject(invalid('checksum'))
  })

  test('whose entries share bytes is refused', async () => {
    const bytes = zipOf([data, storage, { name: 'archive/data/1', bytes: sixFloats[0]! }])
    // The last record points to the header of the one before.
    const record = bytes.lastIndexOf(Buffer.from('archive/data/1')) - 46
    const before = bytes.indexOf(Buffer.from('archive/data/0')) - 30
    bytes.writeUInt32LE(before, record + 42)
    await expect(open(bytes)).rejects.toMatchObject(invalid('reaches into'))
  })
})

describe('a legacy file', () => {
  const legacy = torchLegacy(pickled({ x: tensor() }))

  test.each([
    ['that is cut short', legacy.subarray(0, -1), 'cut short'],
    ['with something behind it', Buffer.concat([legacy, Buffer.from('x')]), '1 bytes follow'],
    ['with a storage nothing uses', torchLegacy(pickled({}), sixFloats), 'not used'],
    [
      'of a protocol of another kind',
      Buffer.concat([legacy.subarray(0, 15), pickled(1002), legacy.subarray(23)]),
      '1001',
    ],
  ])('%s is refused', async (_, bytes, problem) => {
    await expect(open(bytes)).rejects.toMatchObject(invalid(problem))
  })

  test('of tensors whose storage is not there is refused when they are read', async () => {
    await expect(floatsOf(torchLegacy(pickled({ x: tensor() }), {}))).rejects.toMatchObject(invalid('missing'))
  })
})

test.each([
  ['nothing', Buffer.alloc(0)],
  ['a text', Buffer.from('hello')],
  ['a pickle alone', pickled({})],
  ['a picture', Buffer.from('89504e470d0a1a0a', 'hex')],
])('%s is not a file of torch.save', async (_, bytes) => {
  await expect(open(bytes)).rejects.toMatchObject(invalid('does not begin'))
})

test('a folder, and a file that is not there, are FILE_FAILED', async () => {
  await expect(openPytorch('.')).rejects.toMatchObject({ code: 'FILE_FAILED' })
  await expect(openPytorch('none.pt')).rejects.toMatchObject({ code: 'FILE_FAILED' })
})
