// Measures one case: rounds over all sides, and the floor of the machine beside them.
import { setTimeout as sleep } from 'node:timers/promises'
import { ingestRows } from './ingest.mjs'
import { lifeRows } from './life.mjs'
import { pictureRows } from './picture.mjs'
import { middle, row } from './rows.mjs'
import { start } from './sides.mjs'

/** Threads that still spin after one side's work end before the next begins. */
const PAUSE = 30

async function openSides(one, { cpuOps, venv }) {
  const sides = []
  const who = one.who.filter((name) => name !== 'shinsaku-avx2' || cpuOps[0] === 'cpu-avx512')
  for (const name of [...who, 'peak']) {
    const settings = { ...one.settings, group: one.group, works: one.works }
    const side = await start(name, settings, venv).catch((error) => {
      console.error(`${name} takes no part: ${error.message}`)
    })
    if (!side) continue
    console.error(`${one.name(one.works[0])}: ${name} ${side.detail ?? ''}, ready after ${Math.round(side.ready)} ms`)
    sides.push(side)
  }
  return sides
}

/** What the direct arithmetic of the work takes at the fastest matrix product of this run. */
function floorRow(work, flops, peaks, rounds) {
  const ms = flops / (Math.max(...peaks) * 1e6)
  return { work, who: 'floor', median: ms, min: ms, rounds, unit: 'ms', gflop: flops / 1e9, peak: Math.max(...peaks) }
}

async function steady(one, machine) {
  const sides = await openSides(one, machine)
  const rows = []
  for (const work of one.works) {
    const times = new Map(sides.map(({ who }) => [who, []]))
    for (const side of sides) await side.work(work)
    for (let round = 0; round < one.rounds; round++) {
      for (const side of sides) {
        await sleep(PAUSE)
        times.get(side.who).push(await side.work(work))
      }
    }
    const name = one.name(work)
    const peaks = times.get('peak')?.map(({ gflops }) => gflops)
    times.delete('peak')
    for (const [who, all] of times) {
      const cpu = middle(all.map((time) => time.cpu))
      rows.push({
        ...row(
          name,
          who,
          all.map((time) => time.ms),
        ),
        cpu,
      })
    }
    const flops = sides.find(({ who }) => who === 'peak')?.flops?.[work]
    if (peaks && flops) rows.push(floorRow(name, flops, peaks, one.rounds))
  }
  for (const side of sides) await side.end()
  return rows
}

/** From the start of the process until the network has run once; compiled forms begin with an empty cache. */
async function startup(one, { venv }) {
  const times = new Map(one.who.map((who) => [who, []]))
  for (let round = 0; round < one.rounds; round++) {
    for (const who of one.who) {
      const compiles = ['compile', 'freezing'].includes(who)
      if (compiles && round > 0) continue
      const side = await start(who, { ...one.settings, group: 'forward', works: ['forward'] }, venv, true)
      times.get(who).push(side.ready)
      await side.end()
    }
  }
  return [...times].map(([who, all]) => row(one.name(), who, all))
}

export async function measure(one, machine) {
  switch (one.group) {
    case 'sample':
      return pictureRows(one, machine)
    case 'startup':
      return startup(one, machine)
    case 'ingest': {
      const { size, threads } = one.settings
      return ingestRows({ venv: machine.venv, size, threads, rounds: one.rounds, log: console.error })
    }
    case 'life':
      return lifeRows()
    default:
      return steady(one, machine)
  }
}
