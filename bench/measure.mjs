// Measures a case on a CPU: rounds over all sides, and the floor of the machine beside them.
import { sideOf } from './commands.mjs'
import { cpuOf, timeRounds } from './rounds.mjs'
import { row } from './rows.mjs'

/** @import { Case } from './cases.mjs' */
/** @import { Machine } from './machine.mjs' */
/** @import { Row } from './rows.mjs' */

/** @param {Case} one @param {Machine} machine */
async function openSides(one, machine) {
  const who = one.who.filter((name) => name !== 'shinsaku-avx2' || machine.cpuOps[0] === 'cpu-avx512')
  const sides = []
  for (const name of [...who, 'peak']) {
    const side = sideOf(name, one.settings, machine)
    await side.start()
    const how = side.problem ?? `${side.facts.detail ?? ''}, ready after ${Math.round(side.ready)} ms`
    console.error(`${one.name(one.works[0])}: ${name} ${how}`)
    sides.push(side)
  }
  return sides
}

/**
 * What the direct arithmetic of the work takes at the fastest matrix product of this run.
 * @param {string} work
 * @param {number} flops
 * @param {number[]} peaks
 * @returns {Row}
 */
function floorRow(work, flops, peaks) {
  const peak = Math.max(...peaks)
  const ms = flops / (peak * 1e6)
  return { work, who: 'floor', median: ms, min: ms, rounds: peaks.length, unit: 'ms', gflop: flops / 1e9, peak }
}

/** @param {Case} one @param {Machine} machine */
async function steady(one, machine) {
  const sides = await openSides(one, machine)
  /** @type {Row[]} */
  const rows = []
  for (const work of one.works) {
    const name = one.name(work)
    const timings = await timeRounds(sides, work, { rounds: one.rounds, warm: 0, leastMs: 0, total: 0 })
    for (const [{ who }, found] of timings ?? []) {
      if (who !== 'peak' && found.times.length > 0)
        rows.push({ ...row(name, who, found.times), cpu: cpuOf(found), precision: one.settings.precision })
    }
    const peak = sides.find(({ who }) => who === 'peak')
    const rates = peak && timings?.get(peak)?.answers.map(({ gflops = 0 }) => gflops)
    const flops = peak?.facts.flops?.[work]
    if (flops && rates && rates.length > 0) rows.push(floorRow(name, flops, rates))
  }
  for (const side of sides) side.end()
  return rows
}

/**
 * From the start of the process until the network has run once; compiled forms begin with an empty cache.
 * @param {Case} one
 * @param {Machine} machine
 */
async function startup(one, machine) {
  /** @type {Map<string, number[]>} */
  const times = new Map(one.who.map((who) => [who, []]))
  for (let round = 0; round < one.rounds; round++) {
    for (const who of one.who) {
      const compiles = ['compile', 'freezing'].includes(who)
      if (compiles && round > 0) continue
      const side = sideOf(who, one.settings, machine, true)
      await side.start()
      if (side.problem === undefined) times.get(who)?.push(side.ready)
      side.end()
    }
  }
  return [...times].filter(([, all]) => all.length > 0).map(([who, all]) => row(one.name(), who, all))
}

/**
 * @param {Case} one
 * @param {Machine} machine
 * @returns {Promise<Row[]>}
 */
export async function measure(one, machine) {
  switch (one.group) {
    case 'sample':
      return (await import('./whole-picture.mjs')).pictureRows(one, machine)
    case 'startup':
      return startup(one, machine)
    case 'ingest':
      return (await import('./ingest.mjs')).ingestRows(one, machine)
    case 'life':
      return (await import('./life.mjs')).lifeRows()
    default:
      return steady(one, machine)
  }
}
