/** Checkpoints that could not be saved: one or two are reported and survived, as a full disk may be emptied; then it ends. */
import { ShinsakuError } from '../errors.ts'

/** So many in a row end the run: training on would only lose more. */
const MAX_IN_A_ROW = 3

/** What time, or whoever looks after the machine, may mend. */
export const mayPass = (error: unknown): error is ShinsakuError =>
  error instanceof ShinsakuError && (error.code === 'DISK_FULL' || error.code === 'FILE_FAILED')

export class SaveFailures {
  readonly #log: (line: string) => void
  #count = 0
  #fatal: { error: unknown } | undefined

  constructor(log: (line: string) => void) {
    this.#log = log
  }

  /** Whether the newest save has failed. */
  get any(): boolean {
    return this.#count > 0
  }

  clear(): void {
    this.#count = 0
    this.#fatal = undefined
  }

  add(error: unknown, images: number): void {
    this.#count += 1
    if (!mayPass(error)) {
      this.#fatal = { error }
      return
    }
    const { code, message, hint, details } = error
    this.#log(
      `Warning: ${message}. The checkpoint at ${images} images was not saved (${this.#count} of ${MAX_IN_A_ROW} in a row that end the run); the next one is tried as usual`,
    )
    if (this.#count < MAX_IN_A_ROW) return
    const text = `${message}; ${MAX_IN_A_ROW} checkpoints in a row could not be saved`
    this.#fatal = { error: new ShinsakuError(code, text, { cause: error, details, ...(hint && { hint }) }) }
  }

  /** What ends the run or takes it back, once. */
  takeFatal(): { error: unknown } | undefined {
    const fatal = this.#fatal
    if (fatal) this.clear()
    return fatal
  }
}
