/** The grids of a run, previews and the copy guard's: their names, and those that a resumed run will sample again. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../errors.ts'
import { remove } from '../files/write.ts'

export const sampleName = (images: number): string => `${String(images).padStart(9, '0')}.png`

/** Removes the grids after `images`. */
export async function truncateSamples(folder: string, images: number): Promise<void> {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw fileError('read', folder, cause)
  })
  for (const name of names) {
    const drawnAt = Number(/^(\d{9,16})\.png$/.exec(name)?.[1] ?? -1)
    if (drawnAt > images) await remove(join(folder, name))
  }
}
