/** The folders that this package writes, told from those of pictures. */
import { join } from 'node:path'
import { readText } from './read.ts'
import { withPatience } from './shortage.ts'

/** A run begins with this file. */
export const CONFIG_FILE = 'config.json'

/** Whether a folder with such a file is a run: other programs have files of that name too. */
export async function isRunFolder(folder: string): Promise<boolean> {
  const path = join(folder, CONFIG_FILE)
  try {
    const config: unknown = JSON.parse(await withPatience(path, () => readText(path)))
    const { shinsaku, options } = (config ?? {}) as Record<string, unknown>
    return typeof shinsaku === 'string' && typeof options === 'object'
  } catch {
    return false
  }
}
