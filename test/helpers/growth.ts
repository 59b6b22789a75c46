/** Whether memory grows: by what a process has measured of itself. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const program = fileURLToPath(new URL('memory-case.mjs', import.meta.url))

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** Bytes by which samples grow from their third quarter to their last. */
export function growthOf(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4)
  return median(samples.slice(-quarter)) - median(samples.slice(-2 * quarter, -quarter))
}

/** Bytes of resident memory that `times` repetitions of a thing of memory-case.mjs add in their last quarter. */
export async function measureGrowth(thing: string, times: number, folder: string): Promise<number> {
  const args = ['--expose-gc', program, thing, String(times), folder]
  // With one arena, memory that is freed on one thread is used again by all.
  const env = { ...process.env, MALLOC_ARENA_MAX: '1' }
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  return growthOf(JSON.parse(stdout))
}
