// Measures the cases of a GPU within a budget: peers compile for minutes in the background, the case whose sides are ready
// comes next, and what is least important is left out.
import { execFileSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { keyOf, sideOf } from './commands.mjs'
import { Launcher } from './launcher.mjs'
import { cpuOf, timeRounds } from './rounds.mjs'
import { isOwn, row } from './rows.mjs'

/** @import { Case } from './cases.mjs' */
/** @import { Flags } from './flags.mjs' */
/** @import { Machine } from './machine.mjs' */
/** @import { AnyRow, FailedRow } from './rows.mjs' */
/** @import { Side } from './side.mjs' */

/** What the driver says; null where there is none. @param {string[]} args */
function nvidiaSmi(args) {
  try {
    return execFileSync('nvidia-smi', [...args, '--format=csv,noheader'], {
      encoding: 'utf8',
      timeout: 5000,
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return null
  }
}

/** MiB of the GPU that a process holds, by the driver's count. @param {number | undefined} pid */
function memoryOf(pid) {
  const lines = nvidiaSmi(['--query-compute-apps=pid,used_gpu_memory'])?.split('\n') ?? []
  const found = lines.map((line) => line.split(',').map(Number.parseFloat)).find(([owner]) => owner === pid)
  return found && Number.isFinite(found[1]) ? (found[1] ?? null) : null
}

const clocks = () => nvidiaSmi(['--query-gpu=clocks.sm,clocks.mem,temperature.gpu,power.draw'])

export class Schedule {
  /** @type {Case[]} */
  #unfinished
  /** Peers by what they do: two cases may share one. Own sides start when it is their turn, and end after it. */
  #peers = new Map()
  #launcher
  #lastMeasured = performance.now()
  #deadline = Number.POSITIVE_INFINITY
  #budgetMs

  /**
   * @param {Case[]} cases
   * @param {Flags} flags
   * @param {Machine} machine
   */
  constructor(cases, flags, machine) {
    this.#unfinished = [...cases]
    this.flags = flags
    this.machine = machine
    this.#budgetMs = 1000 * (flags.budget ?? Number.POSITIVE_INFINITY)
    for (const { settings, who } of cases) {
      for (const peer of who.filter((name) => !isOwn({ who: name }))) {
        const key = keyOf(settings, peer)
        if (!this.#peers.has(key)) this.#peers.set(key, sideOf(peer, settings, machine))
      }
    }
    this.#launcher = new Launcher(Math.max(2, Math.floor(availableParallelism() / 4)), flags.startLimit)
    this.#launcher.queue(this.#peers.values())
  }

  /** The budget counts from here. */
  begin() {
    this.#lastMeasured = performance.now()
    this.#deadline = this.#lastMeasured + this.#budgetMs
  }

  get #left() {
    return this.#deadline - performance.now()
  }

  /** Titles of what was not measured. */
  get leftOut() {
    return this.#unfinished.map((one) => one.name())
  }

  /** @param {Case} one @returns {Side[]} */
  #peersOf(one) {
    return one.who.filter((who) => !isOwn({ who })).map((who) => this.#peers.get(keyOf(one.settings, who)))
  }

  /** The next case to measure. The most important one is waited for, but not for long. */
  #next() {
    const patient = performance.now() - this.#lastMeasured < 20_000
    const candidates = patient ? this.#unfinished.slice(0, 1) : this.#unfinished
    return candidates.find((one) => this.#peersOf(one).every(({ state }) => state === 'ready' || state === 'ended'))
  }

  /** Ends peers that no case needs any more: they hold memory of the GPU. */
  #tidy() {
    const needed = new Set(this.#unfinished.flatMap((one) => this.#peersOf(one)))
    for (const side of this.#peers.values()) if (side.state === 'ready' && !needed.has(side)) side.end()
  }

  /**
   * @param {Case} one
   * @returns {Promise<(AnyRow | FailedRow)[] | undefined>}
   */
  async #measure(one) {
    const { rehearse, updates } = this.flags
    const own = one.who.filter((who) => isOwn({ who })).map((who) => sideOf(who, one.settings, this.machine))
    await Promise.all(own.map((side) => side.start(60)))
    const sides = [...this.#peersOf(one), ...own]
    /** @type {Map<Side, number | null>} */
    const memory = new Map()
    const [work = 'train'] = one.works
    const timings = await timeRounds(sides, work, {
      ...{ rounds: one.rounds, warm: 2, leastMs: rehearse ? 0 : 150, total: rehearse ? 0 : updates },
      left: () => this.#left - 2000,
      onFirst: (side) => memory.set(side, rehearse ? null : memoryOf(side.pid)),
    })
    for (const side of own) side.end()
    if (!timings) return undefined
    const { batch, precision } = one.settings
    const facts = { date: this.machine.date, batch, precision, clocks: clocks() }
    return sides.map((side) => {
      const found = timings.get(side)
      if (!found || found.times.length < Math.min(3, one.rounds))
        return { work: one.name(), who: side.who, problem: side.problem ?? 'it stopped', ...facts }
      return {
        ...{ ...row(one.name(), side.who, found.times), cpu: cpuOf(found), ...facts },
        ...{ steps: found.count * found.times.length, memory: memory.get(side) ?? null },
        ...{ reserved: found.answers[0]?.reserved ?? null, ready: side.ready },
      }
    })
  }

  /**
   * Rows of each case as they come.
   * @returns {AsyncGenerator<(AnyRow | FailedRow)[]>}
   */
  async *rows() {
    const skipped = []
    while (this.#unfinished.length > 0 && this.#left > 3000) {
      const one = this.#next()
      if (one) {
        this.#launcher.pause()
        const rows = await this.#measure(one)
        this.#launcher.resume()
        this.#unfinished.splice(this.#unfinished.indexOf(one), 1)
        if (!rows) skipped.push(one)
        this.#tidy()
        this.#lastMeasured = performance.now()
        if (rows) yield rows
        continue
      }
      // What is not ready in two thirds of the time never will be.
      if (this.#left < this.#budgetMs / 3) this.#launcher.giveUp()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    this.#unfinished.push(...skipped)
    this.#launcher.giveUp()
    for (const side of this.#peers.values()) side.end()
  }
}
