/** The names that a pickle may use, and the inert value that stands for a call of each. */
import { numpyScalar, numpyType } from './numpy.ts'
import {
  Dict,
  type Fail,
  Global,
  kindOf,
  Namespace,
  Storage,
  storageTypes,
  Tensor,
  Tuple,
  type Value,
} from './values.ts'

const MAX_DIMENSIONS = 16

const isCount = (value: Value | undefined): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function countsOf(value: Value | undefined, what: string, fail: Fail): readonly number[] {
  if (!(value instanceof Tuple) || value.items.length > MAX_DIMENSIONS || !value.items.every(isCount))
    return fail(`the ${what} of a tensor is ${kindOf(value)}, but must be up to ${MAX_DIMENSIONS} integers from 0 up`)
  return value.items as readonly number[]
}

/** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks[, metadata]). */
function tensorOf(args: readonly Value[], fail: Fail): Tensor {
  const [storage, offset, size, stride, , hooks, metadata] = args
  if (args.length < 6 || args.length > 7) fail(`a tensor has ${args.length} parts, but 6 or 7 are known`)
  if (!(storage instanceof Storage)) return fail(`a tensor lies in ${kindOf(storage)}, but must lie in a storage`)
  if (!isCount(offset)) return fail(`a tensor begins at ${kindOf(offset)}, but must begin at an integer from 0 up`)
  if (!(hooks instanceof Dict) || hooks.size > 0) fail('a tensor has hooks')
  if (metadata !== undefined && metadata !== null && !(metadata instanceof Dict && metadata.size === 0))
    fail('a tensor has metadata, such as that of a conjugated view')
  const shape = countsOf(size, 'shape', fail)
  const strides = countsOf(stride, 'strides', fail)
  if (shape.length !== strides.length) fail(`a tensor has ${shape.length} sides, but ${strides.length} strides`)
  const tensor = new Tensor(storage, offset, shape, strides)
  requireInside(tensor, fail)
  return tensor
}

/** Every element must lie in the storage, and there may be no more of them than it has, as an expanded view would. */
function requireInside({ storage, offset, shape, strides }: Tensor, fail: Fail): void {
  let elements = 1
  let last = offset
  for (const [i, side] of shape.entries()) {
    elements *= side
    last += Math.max(0, side - 1) * strides[i]!
    if (!Number.isSafeInteger(elements) || !Number.isSafeInteger(last)) fail('the shape of a tensor overflows')
  }
  const end = elements === 0 ? offset : last + 1
  if (end > storage.elements || elements > storage.elements)
    fail(
      `a tensor of shape [${shape.join(', ')}], strides [${strides.join(', ')}] and offset ${offset} does not fit its storage of ${storage.elements}`,
    )
}

/** torch._utils._rebuild_parameter(data, requires_grad, hooks): a parameter is read as its tensor. */
function parameterOf([data, , hooks, ...rest]: readonly Value[], fail: Fail): Tensor {
  if (!(data instanceof Tensor) || rest.length > 0)
    return fail(`a parameter is made of ${kindOf(data)}, not of a tensor`)
  if (hooks !== undefined && !(hooks instanceof Dict && hooks.size === 0)) fail('a parameter has hooks')
  return data
}

/** _codecs.encode(text, 'latin1'): bytes as protocol 2 writes them, read as the text that stands for them. */
function latin1Text([text, codec]: readonly Value[], fail: Fail): string {
  return typeof text === 'string' && codec === 'latin1' ? text : fail('a text is encoded, and not as bytes in latin1')
}

type Call = (args: readonly Value[], fail: Fail) => Value

const calls: ReadonlyMap<string, Call> = new Map<string, Call>([
  [
    'collections.OrderedDict',
    (args, fail) => (args.length === 0 ? new Dict() : fail('an OrderedDict is made of something, not filled')),
  ],
  ['torch._utils._rebuild_tensor_v2', tensorOf],
  ['torch._utils._rebuild_parameter', parameterOf],
  ['torch.Size', ([sides], fail) => (sides instanceof Tuple ? sides : fail('a torch.Size is not made of a tuple'))],
  // Where a tensor was has no meaning here.
  ['torch.device', () => null],
  // What programs keep beside their tensors: their arguments, and numbers of numpy.
  [
    'argparse.Namespace',
    (args, fail) => (args.length === 0 ? new Namespace() : fail('a Namespace is made of something, not filled')),
  ],
  // The bag of settings that pytorch_GAN_zoo pickles beside its networks.
  [
    'models.utils.config.BaseConfig',
    (args, fail) => (args.length === 0 ? new Namespace() : fail('a BaseConfig is made of something, not filled')),
  ],
  ['numpy.dtype', numpyType],
  ['numpy.core.multiarray.scalar', numpyScalar],
  ['numpy._core.multiarray.scalar', numpyScalar],
  ['_codecs.encode', latin1Text],
])

/** The value that stands for a name; undefined where it is not among those that a file of tensors needs. */
export function findGlobal(module: string, name: string): Global | undefined {
  const isStorage = module === 'torch' && storageTypes.has(name)
  return isStorage || calls.has(`${module}.${name}`) ? new Global(`${module}.${name}`) : undefined
}

/** What a call of an allowed name gives. */
export function callGlobal(callee: Value | undefined, args: Value | undefined, fail: Fail): Value {
  const call = callee instanceof Global ? calls.get(callee.name) : undefined
  if (!call) return fail(`${kindOf(callee)} is called`)
  if (!(args instanceof Tuple)) return fail(`${kindOf(callee)} is called with ${kindOf(args)} instead of a tuple`)
  return call(args.items, fail)
}

/** The storage that a persistent id names: ('storage', type, key, device, elements[, None]). */
export function storageOf(id: Value | undefined, fail: Fail): Storage {
  const parts = id instanceof Tuple ? id.items : []
  const [word, type, key, , elements, view] = parts
  const known = type instanceof Global ? storageTypes.get(type.name.replace(/^torch\./, '')) : undefined
  if (word !== 'storage' || !known || typeof key !== 'string' || !isCount(elements) || (view ?? null) !== null)
    return fail('a persistent id does not name a storage of a known type, a key and a number of elements')
  if (!Number.isSafeInteger(elements * known.bytes)) fail('the length of a storage overflows')
  return new Storage(key, known, elements)
}
