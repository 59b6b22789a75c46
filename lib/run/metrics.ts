/** Takes back lines of metrics.jsonl that a resumed run will write again. */
import { ShinsakuError } from '../errors.ts'
import { readText } from '../files/read.ts'
import { writeDurable } from '../files/write.ts'

function imagesOf(line: string): number | undefined {
  try {
    const images = (JSON.parse(line) as { images?: unknown } | null)?.images
    return typeof images === 'number' ? images : undefined
  } catch {
    return undefined
  }
}

/** Keeps the lines up to `images`; drops later ones, and what is no line of metrics. Resolves with the number dropped. */
export async function truncateMetrics(path: string, images: number): Promise<number> {
  let text: string
  try {
    text = await readText(path)
  } catch (error) {
    const cause = error instanceof ShinsakuError ? (error.cause as NodeJS.ErrnoException) : undefined
    if (cause?.code === 'ENOENT') return 0
    throw error
  }
  const lines = text.split('\n').filter((line) => line !== '')
  const kept = lines.filter((line) => (imagesOf(line) ?? Number.POSITIVE_INFINITY) <= images)
  const result = kept.map((line) => `${line}\n`).join('')
  if (result !== text) await writeDurable(path, result)
  return lines.length - kept.length
}
