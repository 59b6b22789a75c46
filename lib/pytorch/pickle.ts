/** Reads a pickle of tensors and containers. A fixed list of opcodes, an allow-list of names; nothing is executed. */
import { cost } from '../files/budget.ts'
import { callGlobal, findGlobal } from './globals.ts'
import {
  Dict,
  type Fail,
  kindOf,
  List,
  Namespace,
  NumpyType,
  type Storage,
  type Tensor,
  Tuple,
  type Value,
} from './values.ts'

export type PickleContext = {
  fail: Fail
  /** Throws because of a name that is not allowed. */
  refuse(name: string): never
  /** Pays for what is made; throws when it is too much. */
  spend(bytes: number): void
  /** The storage that a persistent id names. */
  storage(id: Value | undefined): Storage
}

const MAX_OPCODES = 2_000_000
const MAX_TEXT_BYTES = 65_536
const MAX_NAME_BYTES = 256
const MAX_INTEGER_BYTES = 16

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const MARK = Symbol('mark')
type Slot = Value | typeof MARK

/** One pickle, read from `begin` of `bytes` to its STOP. */
export class Unpickler {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #context: PickleContext
  readonly #stack: Slot[] = []
  readonly #memo = new Map<number, Value>()
  #at: number

  constructor(bytes: Uint8Array, begin: number, context: PickleContext) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = begin
    this.#context = context
  }

  /** Where the next byte after what was read lies. */
  get end(): number {
    return this.#at
  }

  read(): Value {
    for (let count = 0; ; count++) {
      if (count === MAX_OPCODES) this.#fail(`its pickle has more than ${MAX_OPCODES} opcodes`)
      const opcode = this.#byte()
      if (opcode === 0x2e) break // STOP
      const run = opcodes[opcode]
      if (!run)
        this.#fail(
          `its pickle has the opcode 0x${opcode.toString(16).padStart(2, '0')}, which a file of tensors does not need`,
        )
      run(this)
    }
    const value = this.pop()
    if (this.#stack.length > 0) this.#fail('its pickle leaves something behind')
    return value
  }

  #fail(problem: string): never {
    return this.#context.fail(problem)
  }

  /** The next `count` bytes begin at the number returned. */
  #advance(count: number): number {
    const begin = this.#at
    if (count > this.#bytes.length - begin) this.#fail('its pickle ends in the middle')
    this.#at = begin + count
    return begin
  }

  #byte(): number {
    return this.#view.getUint8(this.#advance(1))
  }

  unsigned(width: 1 | 2 | 4): number {
    const at = this.#advance(width)
    if (width === 1) return this.#view.getUint8(at)
    return width === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true)
  }

  signed(): number {
    return this.#view.getInt32(this.#advance(4), true)
  }

  double(): number {
    return this.#view.getFloat64(this.#advance(8), false)
  }

  /** Two's complement, little-endian, `width` bytes. */
  integer(width: number): number | bigint {
    if (width > MAX_INTEGER_BYTES) this.#fail(`its pickle has an integer of ${width} bytes`)
    const begin = this.#advance(width)
    let value = 0n
    for (let i = width - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[begin + i]!)
    value = BigInt.asIntN(width * 8, value)
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }

  text(length: number): string {
    if (length > MAX_TEXT_BYTES) this.#fail(`its pickle has a text of ${length} bytes`)
    const begin = this.#advance(length)
    this.#context.spend(cost.text(length))
    try {
      return utf8.decode(this.#bytes.subarray(begin, begin + length))
    } catch {
      return this.#fail('its pickle has a text that is not UTF-8')
    }
  }

  #line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#at)
    if (end < 0 || end - this.#at > MAX_NAME_BYTES) this.#fail('its pickle has a name without an end')
    const begin = this.#advance(end + 1 - this.#at)
    return Buffer.from(this.#bytes.subarray(begin, end)).toString('latin1')
  }

  version(): void {
    const protocol = this.#byte()
    if (protocol < 2 || protocol > 5) this.#fail(`its pickle has protocol ${protocol}; 2 to 5 are known`)
  }

  /** A frame's length is a hint to readers; what is in it is read as it comes. */
  frame(): void {
    this.#advance(8)
  }

  push(value: Value): void {
    this.#context.spend(cost.value)
    this.#stack.push(value)
  }

  /** Something that was made just now: an object and the list in it. */
  pushNew(value: List | Tuple | Dict | Tensor | Storage): void {
    this.#context.spend(2 * cost.object)
    this.push(value)
  }

  mark(): void {
    this.#context.spend(cost.value)
    this.#stack.push(MARK)
  }

  pop(): Value {
    const value = this.#stack.pop()
    if (value === undefined || value === MARK) return this.#fail('its pickle takes a value that is not there')
    return value
  }

  top(): Value {
    const value = this.#stack.at(-1)
    if (value === undefined || value === MARK) return this.#fail('its pickle looks at a value that is not there')
    return value
  }

  /** The values above the last mark, which goes with them. */
  popMarked(): Value[] {
    const mark = this.#stack.lastIndexOf(MARK)
    if (mark < 0) this.#fail('its pickle looks for a mark that is not there')
    const values = this.#stack.splice(mark)
    return values.slice(1) as Value[]
  }

  popSome(count: number): Value[] {
    return Array.from({ length: count }, () => this.pop()).reverse()
  }

  put(index: number): void {
    this.#context.spend(cost.entry)
    this.#memo.set(index, this.top())
  }

  memoize(): void {
    this.put(this.#memo.size)
  }

  get(index: number): void {
    const value = this.#memo.get(index)
    if (value === undefined) this.#fail('its pickle recalls what it has not noted')
    this.push(value as Value)
  }

  global(module = this.#line(), name = this.#line()): void {
    this.#context.spend(cost.object + cost.text(module.length + name.length))
    this.push(findGlobal(module, name) ?? this.#context.refuse(`${module}.${name}`))
  }

  stackGlobal(): void {
    const [module, name] = this.popSome(2)
    if (typeof module !== 'string' || typeof name !== 'string') this.#fail('its pickle has a name that is not a text')
    this.global(module as string, name as string)
  }

  reduce(): void {
    const [callee, args] = this.popSome(2)
    this.#context.spend(2 * cost.object)
    this.push(callGlobal(callee, args, this.#context.fail))
  }

  persistent(): void {
    this.#context.spend(cost.object + cost.entry)
    this.push(this.#context.storage(this.pop()))
  }

  /** Fills a Namespace. What Python would set as attributes of an OrderedDict, such as `_metadata`, is left out. */
  build(): void {
    const state = this.pop()
    const target = this.top()
    if (target instanceof NumpyType) {
      const order = state instanceof Tuple ? state.items[1] : undefined
      if (order !== '<' && order !== '|') this.#fail('its pickle has a number of numpy that is not little-endian')
      target.order = order as string
    } else if (target instanceof Namespace && state instanceof Dict) this.setItems(state.entries().flat())
    else if (!(this.top() instanceof Dict) || !(state instanceof Dict))
      this.#fail(`its pickle gives ${kindOf(state)} to ${kindOf(this.top())} as attributes`)
  }

  append(values: readonly Value[]): void {
    const list = this.top()
    if (!(list instanceof List)) this.#fail(`its pickle appends to ${kindOf(list)}`)
    this.#context.spend(cost.value * values.length)
    for (const value of values) list.items.push(value)
  }

  setItems(values: readonly Value[]): void {
    const dict = this.top()
    if (!(dict instanceof Dict)) this.#fail(`its pickle sets items of ${kindOf(dict)}`)
    if (values.length % 2 !== 0) this.#fail('its pickle sets a key without a value')
    for (let i = 0; i < values.length; i += 2) {
      const key = values[i]!
      if (typeof key !== 'string' && typeof key !== 'number') this.#fail(`its pickle has ${kindOf(key)} as a key`)
      if (dict.has(key)) this.#fail(`its pickle has the key ${JSON.stringify(key)} twice`)
      this.#context.spend(cost.entry)
      dict.set(key, values[i + 1]!)
    }
  }
}

type Run = (u: Unpickler) => void

/** Opcodes of protocols 2 to 5 that torch.save uses, by their byte. All others are refused. */
const opcodes: Readonly<Record<number, Run>> = {
  128: (u) => u.version(), // PROTO
  149: (u) => u.frame(), // FRAME
  40: (u) => u.mark(), // MARK
  78: (u) => u.push(null), // NONE
  136: (u) => u.push(true), // NEWTRUE
  137: (u) => u.push(false), // NEWFALSE
  74: (u) => u.push(u.signed()), // BININT
  75: (u) => u.push(u.unsigned(1)), // BININT1
  77: (u) => u.push(u.unsigned(2)), // BININT2
  138: (u) => u.push(u.integer(u.unsigned(1))), // LONG1
  71: (u) => u.push(u.double()), // BINFLOAT
  88: (u) => u.push(u.text(u.unsigned(4))), // BINUNICODE
  140: (u) => u.push(u.text(u.unsigned(1))), // SHORT_BINUNICODE
  85: (u) => u.push(u.text(u.unsigned(1))), // SHORT_BINSTRING, of Python 2
  125: (u) => u.pushNew(new Dict()), // EMPTY_DICT
  93: (u) => u.pushNew(new List()), // EMPTY_LIST
  41: (u) => u.pushNew(new Tuple([])), // EMPTY_TUPLE
  133: (u) => u.pushNew(new Tuple(u.popSome(1))), // TUPLE1
  134: (u) => u.pushNew(new Tuple(u.popSome(2))), // TUPLE2
  135: (u) => u.pushNew(new Tuple(u.popSome(3))), // TUPLE3
  116: (u) => u.pushNew(new Tuple(u.popMarked())), // TUPLE
  97: (u) => u.append([u.pop()]), // APPEND
  101: (u) => u.append(u.popMarked()), // APPENDS
  115: (u) => u.setItems(u.popSome(2)), // SETITEM
  117: (u) => u.setItems(u.popMarked()), // SETITEMS
  113: (u) => u.put(u.unsigned(1)), // BINPUT
  114: (u) => u.put(u.unsigned(4)), // LONG_BINPUT
  148: (u) => u.memoize(), // MEMOIZE
  104: (u) => u.get(u.unsigned(1)), // BINGET
  106: (u) => u.get(u.unsigned(4)), // LONG_BINGET
  99: (u) => u.global(), // GLOBAL
  147: (u) => u.stackGlobal(), // STACK_GLOBAL
  82: (u) => u.reduce(), // REDUCE
  129: (u) => u.reduce(), // NEWOBJ: the names that may be used make the same of both
  98: (u) => u.build(), // BUILD
  81: (u) => u.persistent(), // BINPERSID
}
