/** A JSON reader that refuses duplicate keys and allocates nothing it was not asked for. */

const QUOTE = 0x22
const BACKSLASH = 0x5c

const isSpace = (code: number) => code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d
const isDigit = (code: number) => code >= 0x30 && code <= 0x39

/** Walks over text; each method reads one value of the kind it names, or fails. */
export class JsonCursor {
  readonly #text: string
  readonly #refuse: (problem: string) => never
  #at = 0

  /** `refuse` throws the caller's error. */
  constructor(text: string, refuse: (problem: string) => never) {
    this.#text = text
    this.#refuse = refuse
  }

  fail(problem: string): never {
    return this.#refuse(problem)
  }

  #skip(): void {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1
  }

  /** Reads `character` if it is next. */
  #take(character: string): boolean {
    this.#skip()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #expect(character: string): void {
    if (!this.#take(character)) {
      const found = this.#text[this.#at]
      this.fail(
        `"${character}" was expected at character ${this.#at} of the header, but ${found === undefined ? 'it ends there' : `${JSON.stringify(found)} is there`}`,
      )
    }
  }

  /** Reads an object; `onKey` reads the value of each key. */
  object(onKey: (key: string) => void): void {
    const keys = new Set<string>()
    this.#expect('{')
    if (this.#take('}')) return
    do {
      const key = this.string()
      if (keys.has(key)) this.fail(`the key ${JSON.stringify(key)} is there twice`)
      keys.add(key)
      this.#expect(':')
      onKey(key)
    } while (this.#take(','))
    this.#expect('}')
  }

  string(): string {
    this.#skip()
    const begin = this.#at
    this.#expect('"')
    for (let code = 0; code !== QUOTE; this.#at += 1) {
      code = this.#text.charCodeAt(this.#at)
      if (Number.isNaN(code)) this.fail(`the text that begins at character ${begin} of the header has no end`)
      if (code === BACKSLASH) this.#at += 1
    }
    const token = this.#text.slice(begin, this.#at)
    let value: string
    try {
      value = JSON.parse(token)
    } catch {
      return this.fail(`the text at character ${begin} of the header holds a wrong escape or a control character`)
    }
    if (/\p{Surrogate}/u.test(value))
      this.fail(`the text at character ${begin} of the header holds half a surrogate pair`)
    return value
  }

  /** Reads an array of at most `most` integers from 0 to 2^53 - 1. */
  integers(most: number): number[] {
    const values: number[] = []
    this.#expect('[')
    if (this.#take(']')) return values
    do {
      if (values.length === most)
        this.fail(`the array that ends at character ${this.#at} of the header has more than ${most} entries`)
      values.push(this.#integer())
    } while (this.#take(','))
    this.#expect(']')
    return values
  }

  #integer(): number {
    this.#skip()
    const begin = this.#at
    while (isDigit(this.#text.charCodeAt(this.#at)) && this.#at - begin < 17) this.#at += 1
    const token = this.#text.slice(begin, this.#at)
    const value = Number(token)
    const leadingZero = token.length > 1 && token.startsWith('0')
    if (token === '' || leadingZero || !Number.isSafeInteger(value))
      this.fail(`an integer from 0 to 2^53 - 1 was expected at character ${begin} of the header`)
    return value
  }

  /** Only white space may be left. */
  end(): void {
    this.#skip()
    if (this.#at < this.#text.length) this.fail(`something follows the header's last brace at character ${this.#at}`)
  }
}
