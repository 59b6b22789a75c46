/** What goes wrong with a PyTorch file, and the memory that reading its structure may take. */
import { ShinsakuError } from '../errors.ts'

export const invalid = (path: string, problem: string, cause?: unknown): ShinsakuError =>
  new ShinsakuError('PYTORCH_INVALID', `${path} is not a PyTorch checkpoint that can be read: ${problem}`, {
    cause,
    details: { path, problem },
  })

export const refused = (path: string, name: string): ShinsakuError =>
  new ShinsakuError(
    'PICKLE_REFUSED',
    `${path} names ${JSON.stringify(name)}, which a file of tensors does not need; nothing of it was executed`,
    {
      hint: 'Only tensors, numbers, texts, lists and dictionaries are read. If you trust the file, save its state_dict() alone with torch.save.',
      details: { path, name },
    },
  )

/** Enough for the structure of a file of any length. */
const BASE_BYTES = 2 ** 20

/** Counts what is made while a file's structure is read, so that a small file cannot fill the memory. */
export class Budget {
  readonly #path: string
  readonly #most: number
  #spent = 0

  constructor(path: string, fileBytes: number) {
    this.#path = path
    this.#most = 2 * fileBytes + BASE_BYTES
  }

  spend(bytes: number): void {
    this.#spent += bytes
    if (this.#spent > this.#most)
      throw invalid(this.#path, `its structure would take more memory than twice its length`)
  }
}
