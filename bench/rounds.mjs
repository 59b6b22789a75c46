// The protocol by which everything steady is timed: all sides are ready, one works at a time, and rounds go round all.
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from './rows.mjs'

/** @import { Answer, Side } from './side.mjs' */

/** Threads that still spin after one side's work end before the next begins, in ms. */
const PAUSE = 30

/**
 * `warm` untimed repetitions come before each timing. A timing has as many repetitions as take `leastMs`, and all of them
 * together at least `total`. `left` says how many ms there are for all rounds.
 * @typedef {{ rounds: number, warm: number, leastMs: number, total: number, left?: () => number,
 *   onFirst?: (side: Side, answer: Answer) => void }} Plan
 * @typedef {{ times: number[], cpu: number[], answers: Answer[], count: number }} Timings
 */

/**
 * One timing of a side, in ms for each repetition; undefined when it fails, which ends it.
 * @param {Side} side
 * @param {string} work
 * @param {number} warm
 * @param {number} count
 */
async function turn(side, work, warm, count) {
  try {
    const answer = await side.turn(work, warm, count)
    return { ...answer, ms: answer.ms / count, cpu: answer.cpu / count }
  } catch (error) {
    console.error(`${side.key}: ${side.problem ?? error}`)
    return undefined
  }
}

/**
 * Times a work of all sides that are ready; of the others nothing is in the result. Undefined when there is no time for
 * three rounds.
 * @param {Side[]} sides
 * @param {string} work
 * @param {Plan} plan
 * @returns {Promise<Map<Side, Timings> | undefined>}
 */
export async function timeRounds(
  sides,
  work,
  { rounds: wanted, warm, leastMs, total, left = () => Number.POSITIVE_INFINITY, onFirst },
) {
  /** @type {Map<Side, Timings>} */
  const timings = new Map()
  let cost = 0
  for (const side of sides.filter(({ state }) => state === 'ready')) {
    side.prioritize(0)
    const first = await turn(side, work, warm, leastMs > 0 ? 5 : 1)
    if (!first) continue
    const count = Math.ceil(Math.max(1, total / wanted, leastMs / first.ms))
    timings.set(side, { times: [], cpu: [], answers: [], count })
    cost += first.ms * (count + warm) + PAUSE
    await side.release()
  }
  const rounds = Math.min(wanted, Math.floor(left() / cost))
  if (rounds < Math.min(wanted, 3)) return undefined
  for (let round = 0; round < rounds; round++) {
    for (const [side, { times, cpu, answers, count }] of timings) {
      if (side.state !== 'ready') continue
      await sleep(PAUSE)
      const answer = await turn(side, work, warm, count)
      if (!answer) continue
      if (round === 0) onFirst?.(side, answer)
      times.push(answer.ms)
      cpu.push(answer.cpu)
      answers.push(answer)
      await side.release()
    }
  }
  return timings
}

/** @param {Timings} timings */
export const cpuOf = ({ cpu }) => median(cpu)
