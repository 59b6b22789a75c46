/** The memory that reading a file's structure may take: a small file must not fill it. */

/** Enough for the structure of a file of any length. */
const BASE_BYTES = 2 ** 22

/** What making a value costs at most, in bytes: measured with V8 of Node 20 to 26, without pointer compression. */
export const cost = {
  /** A number, a truth value, or a place in a list or on a stack. */
  value: 24,
  /** An object of a few fields, or a list. */
  object: 72,
  /** An entry of a map or of an object with many keys, its key aside. */
  entry: 64,
  text: (length: number): number => 32 + length,
}

/** Counts what is made; `refuse` throws the caller's error when it is more than twice the file's length. */
export class Budget {
  readonly #refuse: (problem: string) => never
  readonly #most: number
  #spent = 0

  constructor(fileBytes: number, refuse: (problem: string) => never) {
    this.#refuse = refuse
    this.#most = 2 * fileBytes + BASE_BYTES
  }

  spend(bytes: number): void {
    this.#spent += bytes
    if (this.#spent > this.#most) this.#refuse('what it lists would take more memory than twice its length')
  }
}
