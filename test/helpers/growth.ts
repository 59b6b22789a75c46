/** Whether memory grows: by what a process has measured of itself. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

/** Bytes by which samples grow from their third quarter to their last. */
export function growthOf(samples: readonly number[]): number {
  const quarter = Math.floor(samples.length / 4)
  return median(samples.slice(-quarter)) - median(samples.slice(-2 * quarter, -quarter))
}

// With one arena, memory that is freed on one thread is used again by all.
const env = { ...process.env, MALLOC_ARENA_MAX: '1' }

/** What a program of this folder has measured of itself. */
async function samplesOf(program: string, ...args: string[]): Promise<number[]> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', path, ...args], { env })
  return JSON.parse(stdout)
}

/** Bytes of resident memory that `times` repetitions of a thing of memory-case.mjs add in their last quarter. */
export const measureGrowth = async (thing: string, times: number, folder: string): Promise<number> =>
  growthOf(await samplesOf('memory-case.mjs', thing, String(times), folder))

/** The most bytes of resident memory that sampling in a form of stream-case.mjs adds to what a short call has taken. */
export async function measureStream(form: string, count: number, size: number, folder: string): Promise<number> {
  const samples = await samplesOf('stream-case.mjs', form, String(count), String(size), folder)
  return Math.max(...samples) - samples[0]!
}
