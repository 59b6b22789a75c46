/** Work on many things at once, but not on too many. */
import { setTimeout as sleep } from 'node:timers/promises'
import { abortError } from '../errors.ts'
import { patience } from '../files/shortage.ts'
import { usableCpus } from '../system/cpus.ts'

/** Threads that decode, unless Node was told otherwise when it started. */
const NODE_THREADS = 4

/** Pictures in the making at one time: enough to keep the cores busy, few enough to bound the memory. */
const WIDTH = Math.max(2, Math.min(Number(process.env.UV_THREADPOOL_SIZE) || NODE_THREADS, usableCpus()))

/**
 * Calls `work` for 0 to count - 1, a few at a time. After a failure or an abort no new call starts, and the promise
 * settles only when those under way have ended. Rejects with the failure of the lowest index, or an AbortError.
 */
export async function forEachIndex(
  count: number,
  signal: AbortSignal | undefined,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const failures: { index: number; error: unknown }[] = []
  const run = async () => {
    while (next < count && failures.length === 0 && !signal?.aborted) {
      const index = next
      next += 1
      try {
        await work(index)
      } catch (error) {
        failures.push({ index, error })
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(WIDTH, count) }, run))
  if (signal?.aborted) throw abortError(signal, 'Reading the pictures')
  const first = failures.sort((a, b) => a.index - b.index)[0]
  if (first) throw first.error
}

/**
 * As forEachIndex(). Where `work` resolves with "later", it is called again for that index when all others are done and
 * some time has passed; at the last time `last` is true.
 */
export async function forEachPatiently(
  count: number,
  signal: AbortSignal | undefined,
  work: (index: number, last: boolean) => Promise<'later' | undefined>,
): Promise<void> {
  let left = Array.from({ length: count }, (_, index) => index)
  for (const [round, wait] of [0, ...patience.permission].entries()) {
    if (left.length === 0) return
    if (wait > 0) await sleep(wait, undefined, signal ? { signal } : {}).catch(() => {})
    const later: number[] = []
    await forEachIndex(left.length, signal, async (i) => {
      const index = left[i]!
      if ((await work(index, round === patience.permission.length)) === 'later') later.push(index)
    })
    left = later.sort((a, b) => a - b)
  }
}
