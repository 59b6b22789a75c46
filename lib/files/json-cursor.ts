/** A JSON reader over bytes that refuses duplicate keys and allocates nothing it was not asked for. */
import { quoted } from '../errors.ts'
import { type Budget, cost } from './budget.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const COMMA = 0x2c
const COLON = 0x3a
const SPACE = 0x20

/** No text that is asked for is longer: a name, a digest, a value of the metadata. */
const MAX_TEXT_BYTES = 2 ** 24
const MAX_DEPTH = 100

const isSpace = (code: number | undefined) => code === SPACE || code === 0x09 || code === 0x0a || code === 0x0d
const isDigit = (code: number) => code >= 0x30 && code <= 0x39
const NULL = Buffer.from('null')
const literals = [Buffer.from('true'), Buffer.from('false'), NULL]
// Of a number, in the longest form that a program would write.
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/
const MAX_NUMBER_BYTES = 400

/** Walks over bytes of UTF-8, which the caller has checked; each method reads one value of the kind it names, or fails. */
export class JsonCursor {
  readonly #bytes: Buffer
  readonly #refuse: (problem: string) => never
  readonly #budget: Budget | undefined
  #at = 0

  /** `refuse` throws the caller's error; `budget` pays for keys, texts and numbers, and for what is gone over. */
  constructor(bytes: Uint8Array, refuse: (problem: string) => never, budget?: Budget) {
    this.#budget = budget
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#refuse = refuse
  }

  fail(problem: string): never {
    return this.#refuse(problem)
  }

  #skipSpace(): void {
    while (isSpace(this.#bytes[this.#at])) this.#at += 1
  }

  /** Reads this byte if it is next. */
  #take(code: number): boolean {
    this.#skipSpace()
    if (this.#bytes[this.#at] !== code) return false
    this.#at += 1
    return true
  }

  #expect(code: number): void {
    if (this.#take(code)) return
    const found = this.#bytes[this.#at]
    const what = found === undefined ? 'it ends there' : `${JSON.stringify(String.fromCharCode(found))} is there`
    this.fail(`"${String.fromCharCode(code)}" was expected at byte ${this.#at}, but ${what}`)
  }

  /** Reads null if it is next. */
  takeNull(): boolean {
    this.#skipSpace()
    if (!this.#bytes.subarray(this.#at, this.#at + NULL.length).equals(NULL)) return false
    this.#at += NULL.length
    return true
  }

  /** Reads an object of at most `most` keys; `onKey` reads the value of each. */
  object(onKey: (key: string) => void, most = Number.POSITIVE_INFINITY): void {
    const keys = new Set<string>()
    let paid = 0
    this.#expect(OPEN_BRACE)
    if (this.#take(CLOSE_BRACE)) return
    do {
      const key = this.#text()
      if (keys.has(key)) this.fail(`the key ${quoted(key)} is there twice`)
      if (keys.size === most) this.fail(`an object has more than ${most} keys`)
      keys.add(key)
      const price = cost.entry + cost.text(key.length)
      this.#budget?.spend(price)
      paid += price
      this.#expect(COLON)
      onKey(key)
    } while (this.#take(COMMA))
    this.#expect(CLOSE_BRACE)
    // The keys go; whoever keeps one pays for it.
    this.#budget?.spend(-paid)
  }

  /** Reads an array; `onItem` reads each value. */
  array(onItem: () => void): void {
    this.#expect(OPEN_BRACKET)
    if (this.#take(CLOSE_BRACKET)) return
    do {
      this.#budget?.spend(cost.value)
      onItem()
    } while (this.#take(COMMA))
    this.#expect(CLOSE_BRACKET)
  }

  string(): string {
    return this.#paid(this.#text())
  }

  /** A string in which halves of surrogates stand for bytes of a name, as files/path-bytes.ts says. */
  path(): string {
    return this.#paid(this.#text(/[\ud800-\udc7f\udd00-\udfff]/u))
  }

  #paid(text: string): string {
    this.#budget?.spend(cost.text(text.length))
    return text
  }

  #text(wrong: RegExp = /\p{Surrogate}/u): string {
    this.#skipSpace()
    const begin = this.#at
    const escaped = this.#skipString()
    if (this.#at - begin > MAX_TEXT_BYTES) this.fail(`the text at byte ${begin} has more than ${MAX_TEXT_BYTES} bytes`)
    if (!escaped) return this.#bytes.toString('utf8', begin + 1, this.#at - 1)
    let value: string
    try {
      value = JSON.parse(this.#bytes.toString('utf8', begin, this.#at))
    } catch {
      return this.fail(`the text at byte ${begin} holds a wrong escape`)
    }
    if (wrong.test(value)) this.fail(`the text at byte ${begin} holds half a surrogate pair`)
    return value
  }

  /** Goes over a string; tells whether escapes are in it. */
  #skipString(): boolean {
    const begin = this.#at
    this.#expect(QUOTE)
    let escaped = false
    for (let code: number | undefined; code !== QUOTE; this.#at += 1) {
      code = this.#bytes[this.#at]
      if (code === undefined) return this.fail(`the text that begins at byte ${begin} has no end`)
      if (code < SPACE) this.fail(`the text at byte ${begin} holds a control character`)
      if (code !== BACKSLASH) continue
      escaped = true
      this.#at += 1
    }
    return escaped
  }

  /** Reads an array of at most `most` integers from 0 to 2^53 - 1. */
  integers(most: number): number[] {
    const values: number[] = []
    this.array(() => {
      if (values.length === most) this.fail(`the array that ends at byte ${this.#at} has more than ${most} entries`)
      values.push(this.integer())
    })
    return values
  }

  /** Reads an integer from 0 to 2^53 - 1. */
  integer(): number {
    this.#skipSpace()
    const begin = this.#at
    while (isDigit(this.#bytes[this.#at] ?? 0) && this.#at - begin < 17) this.#at += 1
    const token = this.#bytes.toString('latin1', begin, this.#at)
    const value = Number(token)
    const leadingZero = token.length > 1 && token.startsWith('0')
    if (token === '' || leadingZero || !Number.isSafeInteger(value))
      this.fail(`an integer from 0 to 2^53 - 1 was expected at byte ${begin}`)
    return value
  }

  /** Reads true or false. */
  boolean(): boolean {
    this.#skipSpace()
    const begin = this.#at
    this.#skipWord()
    const word = this.#bytes.toString('latin1', begin, this.#at)
    return word === 'true' || (word !== 'false' && this.fail(`true or false was expected at byte ${begin}`))
  }

  /** Goes over one value of any kind. Duplicate keys in it are not looked for. */
  skip(): void {
    this.#walk(0, undefined)
  }

  /** As skip(), and pays for what JSON.parse() would make of it. */
  weigh(): void {
    this.#walk(0, this.#budget)
  }

  #walk(depth: number, budget: Budget | undefined): void {
    const begin = this.#at
    if (depth > MAX_DEPTH) this.fail(`values are nested more than ${MAX_DEPTH} deep at byte ${this.#at}`)
    if (this.#take(OPEN_BRACE)) this.#walkList(CLOSE_BRACE, depth, budget)
    else if (this.#take(OPEN_BRACKET)) this.#walkList(CLOSE_BRACKET, depth, budget)
    else if (this.#bytes[this.#at] === QUOTE) {
      this.#skipString()
      budget?.spend(cost.text(this.#at - begin))
    } else this.#skipWord()
  }

  #walkList(close: number, depth: number, budget: Budget | undefined): void {
    budget?.spend(cost.object)
    if (this.#take(close)) return
    do {
      if (close === CLOSE_BRACE) {
        this.#skipSpace()
        const begin = this.#at
        this.#skipString()
        budget?.spend(cost.entry + cost.text(this.#at - begin))
        this.#expect(COLON)
      }
      budget?.spend(cost.value)
      this.#walk(depth + 1, budget)
    } while (this.#take(COMMA))
    this.#expect(close)
  }

  #skipWord(): void {
    const rest = this.#bytes.subarray(this.#at, this.#at + MAX_NUMBER_BYTES)
    const literal = literals.find((word) => rest.subarray(0, word.length).equals(word))
    const length = literal?.length ?? number.exec(rest.toString('latin1'))?.[0].length
    if (length === undefined) this.fail(`a value was expected at byte ${this.#at}`)
    this.#at += length
  }

  /** Only white space may be left. */
  end(): void {
    this.#skipSpace()
    if (this.#at < this.#bytes.length) this.fail(`something follows the last brace at byte ${this.#at}`)
  }
}
