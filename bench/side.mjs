// A side of the benchmark: a process of its own that makes itself ready, then works only when asked, one line at a time.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { createInterface } from 'node:readline'

/**
 * What a side is told. `device` is "cpu" or "cuda"; of a rehearsal it is "cpu". `file` and `package` are for those that run
 * the exported network, `deterministic` and `tune` for PyTorch.
 * @typedef {'train' | 'forward'} Work
 * @typedef {{ who: string, model: 'unet' | 'dcgan' | 'stylegan2' | 'pgan', works: Work[], device: string, precision: string, seed: number,
 *   batch: number, size: number, threads: number, variant?: string, dim?: number, dimMults?: number[], width?: number,
 *   widths?: number[], latent?: number, isa?: string | undefined, tune?: boolean, steps?: number, file?: string, package?: string }} SideSettings
 * @typedef {{ program: string, args: string[], env: NodeJS.ProcessEnv, log?: string | undefined }} Command
 * @typedef {{ ms: number, cpu: number, reserved: number | null, gflops?: number }} Answer
 */

/** Those that run: none may outlive this process. @type {Set<Side>} */
const running = new Set()
process.on('exit', () => {
  for (const side of running) side.end()
})
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => process.exit(1))

/** @param {number} since */
const seconds = (since) => Math.round((performance.now() - since) / 1000)

export class Side {
  /** @type {'waiting' | 'starting' | 'ready' | 'ended'} */
  state = 'waiting'
  /** Why it ended. @type {string | undefined} */
  problem
  /** Milliseconds from its start until it had done each work once. */
  ready = Number.NaN
  /** What it says of itself. @type {{ detail?: string, flops?: Record<string, number> }} */
  facts = {}
  /** When it was started. */
  began = Number.NaN
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child
  /** @type {AsyncIterator<string> | undefined} */
  #lines

  /**
   * `key` tells it from others; what it writes to stderr goes to the log, or to this process's.
   * @param {string} who
   * @param {string} key
   * @param {Command} command
   */
  constructor(who, key, command) {
    this.who = who
    this.key = key
    this.command = command
  }

  get pid() {
    return this.#child?.pid
  }

  /** Settles when it is ready, has failed or is late; never rejects. */
  async start(limitSeconds = 3600, priority = 0) {
    this.state = 'starting'
    this.began = performance.now()
    const { program, args, env, log } = this.command
    const stderr = log ? openSync(log, 'a') : 'inherit'
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', stderr], detached: true, env })
    if (typeof stderr === 'number') closeSync(stderr)
    this.#child = child
    running.add(this)
    child.stdin?.on('error', () => {})
    child.on('error', (error) => this.end(error.message))
    if (!child.stdout) throw new Error('a side has no output')
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    if (priority > 0) this.prioritize(priority)
    try {
      this.facts = await this.#answer(limitSeconds)
      this.ready = performance.now() - this.began
      if (this.state === 'starting') this.state = 'ready'
    } catch (error) {
      this.end(/** @type {Error} */ (error).message)
    }
  }

  /** For all of its threads. @param {number} priority */
  prioritize(priority) {
    try {
      for (const thread of readdirSync(`/proc/${this.pid}/task`)) setPriority(Number(thread), priority)
    } catch {
      // A thread has ended meanwhile, or may not be raised: then it stays as it is.
    }
  }

  /** @param {number} limitSeconds */
  async #answer(limitSeconds) {
    /** @type {NodeJS.Timeout | undefined} */
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not finished in ${limitSeconds} s`)), limitSeconds * 1000)
    })
    // Compiling prints lines of its own now and then.
    const line = async () => {
      for (;;) {
        const next = await this.#lines?.next()
        if (!next || next.done) throw new Error(this.problem ?? 'it ended; its errors are above, or in the log')
        if (next.value.startsWith('{')) return JSON.parse(next.value)
      }
    }
    try {
      return await Promise.race([line(), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * Sends a line and gives back the answer; ends the side and rejects when none comes.
   * @param {string} line
   */
  async #ask(line, limitSeconds = 600) {
    try {
      this.#child?.stdin?.write(`${line}\n`)
      return await this.#answer(limitSeconds)
    } catch (error) {
      this.end(/** @type {Error} */ (error).message)
      throw error
    }
  }

  /**
   * Does a work `warm` times untimed, then `count` times.
   * @param {string} work
   * @param {number} warm
   * @param {number} count
   * @returns {Promise<Answer>}
   */
  turn = (work, warm, count) => this.#ask(`${work} ${warm} ${count}`)

  /** Gives memory that is only kept in reserve back to the GPU. */
  release = () => this.#ask('release')

  /** Ends it for good. @param {string} [problem] */
  end(problem) {
    if (this.state === 'ended') return
    const unready = this.state === 'starting' ? `not finished in ${seconds(this.began)} s` : 'not started in time'
    this.problem = problem ?? (this.state === 'ready' ? undefined : unready)
    this.state = 'ended'
    running.delete(this)
    this.signal('SIGKILL')
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    try {
      if (this.pid) process.kill(-this.pid, name)
    } catch {
      // It has ended by itself.
    }
  }
}
