/** One thing that `shinsaku doctor` has looked at. */
import { errorTable, ShinsakuError } from '../errors.ts'

/** `advice`, one line, is there where the state is not "ok". */
export type Check = { name: string; state: 'ok' | 'warning' | 'wrong'; text: string; advice?: string }

export const good = (name: string, text: string): Check => ({ name, state: 'ok', text })

export const wrong = (name: string, text: string, advice: string): Check => ({ name, state: 'wrong', text, advice })

/** What `look` finds; an error of this package is what is wrong. */
export async function check(name: string, look: () => string | Promise<string>): Promise<Check> {
  try {
    return good(name, await look())
  } catch (error) {
    if (!(error instanceof ShinsakuError)) throw error
    return wrong(name, `${error.code}: ${error.message}`, error.hint ?? errorTable[error.code])
  }
}
