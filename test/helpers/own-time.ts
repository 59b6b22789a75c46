/** What this thread costs by itself, in milliseconds: what other processes take of the cores does not count. */
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'

/** How long this thread has computed, and how long it has waited for a core, since it began. */
function scheduled(): { computed: number; waited: number } {
  const [computed, waited] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')
  return { computed: Number(computed) / 1e6, waited: Number(waited) / 1e6 }
}

/** A clock that stands still while this thread could go on but has no core. */
export const ownClock = (): number => performance.now() - scheduled().waited

/** Computes for as long. */
export function spin(ms: number): void {
  const begun = scheduled().computed
  while (scheduled().computed - begun < ms);
}

/** How long this thread computes for one turn of each of `works`: the mean of many turns, the least of some tries. */
export async function computedPerTurn(...works: readonly (() => Promise<unknown>)[]): Promise<number[]> {
  const TRIES = 4
  const TURNS = 100
  const least = works.map(() => Number.POSITIVE_INFINITY)
  for (let i = 0; i < TRIES; i++) {
    for (const [which, work] of works.entries()) {
      const before = scheduled().computed
      for (let turn = 0; turn < TURNS; turn++) await work()
      least[which] = Math.min(least[which]!, (scheduled().computed - before) / TURNS)
    }
  }
  return least
}
