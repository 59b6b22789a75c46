/** What a pickle may hold once it is read: inert values, none of which can do anything. */

/** Element types by the name of PyTorch's storage class, with safetensors' names. */
export const storageTypes: ReadonlyMap<string, { dtype: string; bytes: number }> = new Map([
  ['DoubleStorage', { dtype: 'F64', bytes: 8 }],
  ['FloatStorage', { dtype: 'F32', bytes: 4 }],
  ['HalfStorage', { dtype: 'F16', bytes: 2 }],
  ['BFloat16Storage', { dtype: 'BF16', bytes: 2 }],
  ['LongStorage', { dtype: 'I64', bytes: 8 }],
  ['IntStorage', { dtype: 'I32', bytes: 4 }],
  ['ShortStorage', { dtype: 'I16', bytes: 2 }],
  ['CharStorage', { dtype: 'I8', bytes: 1 }],
  ['ByteStorage', { dtype: 'U8', bytes: 1 }],
  ['BoolStorage', { dtype: 'BOOL', bytes: 1 }],
])

/** Elements in the file, which tensors look at. */
export class Storage {
  readonly key: string
  readonly dtype: string
  readonly elements: number
  readonly itemBytes: number

  constructor(key: string, type: { dtype: string; bytes: number }, elements: number) {
    this.key = key
    this.dtype = type.dtype
    this.itemBytes = type.bytes
    this.elements = elements
  }

  get bytes(): number {
    return this.elements * this.itemBytes
  }
}

/** A view of a storage; `offset` and `strides` count elements. */
export class Tensor {
  readonly storage: Storage
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]

  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage
    this.offset = offset
    this.shape = shape
    this.strides = strides
  }

  get dtype(): string {
    return this.storage.dtype
  }

  get elements(): number {
    return this.shape.reduce((product, side) => product * side, 1)
  }
}

export class List {
  readonly items: Value[] = []
}

export class Tuple {
  readonly items: readonly Value[]

  constructor(items: readonly Value[]) {
    this.items = items
  }
}

/** A dict or an OrderedDict: keys keep their order. */
export class Dict {
  // Made when it is needed: an empty dictionary is one byte of a pickle.
  #entries: Map<string | number, Value> | undefined

  get(key: string | number): Value | undefined {
    return this.#entries?.get(key)
  }

  set(key: string | number, value: Value): void {
    this.#entries ??= new Map()
    this.#entries.set(key, value)
  }

  has(key: string | number): boolean {
    return this.#entries?.has(key) === true
  }

  get size(): number {
    return this.#entries?.size ?? 0
  }

  entries(): [string | number, Value][] {
    return [...(this.#entries ?? [])]
  }
}

/** An argparse.Namespace, or a class like it: what a program was called with, under the names that it had there. */
export class Namespace extends Dict {}

/** A type of numpy by its code, such as "f8"; `order` is "<" or "|" once it is known. */
export class NumpyType {
  readonly code: string
  order: string | undefined

  constructor(code: string) {
    this.code = code
  }
}

/** A name that a pickle may use. */
export class Global {
  /** As Python writes it, such as `torch.FloatStorage`. */
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

export type Value =
  | null
  | boolean
  | number
  | bigint
  | string
  | List
  | Tuple
  | Dict
  | Tensor
  | Storage
  | NumpyType
  | Global

/** Says what is wrong; never returns. */
export type Fail = (problem: string) => never

/** What a value is, for messages. */
export function kindOf(value: Value | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'None'
  if (value instanceof Dict) return `a dictionary of ${value.size}`
  if (value instanceof List || value instanceof Tuple) return `a list of ${value.items.length}`
  if (value instanceof Tensor) return `a tensor of shape [${value.shape.join(', ')}]`
  if (value instanceof Storage) return 'a storage'
  if (value instanceof NumpyType) return `the type ${value.code} of numpy`
  if (value instanceof Global) return value.name
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}
