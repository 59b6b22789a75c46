// The sides of the GPU benchmark: each is a process of its own that makes itself ready, then works only when asked.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const script = (name) => join(import.meta.dirname, name)
const seconds = (since) => Math.round((performance.now() - since) / 1000)

/** Tells two sides apart. */
export const keyOf = ({ model, work, precision, batch }, who) => [model, work, precision, batch, who].join(' ')

export class Side {
  /** waiting, starting, ready or ended */
  state = 'waiting'
  /** Why it ended. */
  problem
  #child
  #lines
  /** When it was started. */
  began

  constructor(settings, out) {
    this.who = settings.who
    this.key = keyOf(settings, settings.who)
    this.settings = settings
    this.out = out
  }

  get pid() {
    return this.#child?.pid
  }

  /** Settles when it is ready, has failed or is late; never rejects. */
  async start(limit) {
    this.state = 'starting'
    this.began = performance.now()
    const isOwn = this.who.startsWith('shinsaku')
    const python = process.env.SHINSAKU_PYTHON || 'python3'
    const [program, file] = isOwn ? [process.execPath, script('shinsaku.mjs')] : [python, script('peer.py')]
    const log = openSync(join(this.out, 'bench-sides.log'), 'a')
    this.#child = spawn(program, [file, JSON.stringify(this.settings)], {
      stdio: ['pipe', 'pipe', log],
      detached: true,
      env: {
        ...process.env,
        OMP_WAIT_POLICY: 'passive',
        OMP_NUM_THREADS: String(this.settings.threads),
        // Several compile at once; by default each would take every core.
        TORCHINDUCTOR_COMPILE_THREADS: '4',
        TOKENIZERS_PARALLELISM: 'false',
      },
    })
    closeSync(log)
    this.#child.stdin.on('error', () => {})
    this.#child.on('error', (error) => this.end(error.message))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
    if (!isOwn) this.prioritize(10)
    try {
      Object.assign(this, { ready: await this.#answer(limit) })
      if (this.state === 'starting') this.state = 'ready'
    } catch (error) {
      this.end(error.message)
    }
  }

  /** For all of its threads. */
  prioritize(priority) {
    try {
      for (const thread of readdirSync(`/proc/${this.pid}/task`)) setPriority(Number(thread), priority)
    } catch {
      // A thread has ended meanwhile, or may not be raised: then it stays as it is.
    }
  }

  async #answer(limit) {
    let timer
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`not finished in ${limit} s`)), limit * 1000)
    })
    // Compiling prints lines of its own now and then.
    const line = async () => {
      for (;;) {
        const { value, done } = await this.#lines.next()
        if (done) throw new Error(this.problem ?? 'it ended; see bench-sides.log')
        if (value.startsWith('{')) return JSON.parse(value)
      }
    }
    try {
      return await Promise.race([line(), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends a line and gives back the answer; ends the side and rejects when none comes. */
  async ask(line, limit = 60) {
    try {
      this.#child.stdin.write(`${line}\n`)
      return await this.#answer(limit)
    } catch (error) {
      this.end(error.message)
      throw error
    }
  }

  /** Ends it for good. */
  end(problem) {
    if (this.state === 'ended') return
    this.problem =
      problem ?? { waiting: 'not started in time', starting: `not finished in ${seconds(this.began)} s` }[this.state]
    this.state = 'ended'
    this.signal('SIGKILL')
  }

  signal(name) {
    try {
      if (this.pid) process.kill(-this.pid, name)
    } catch {
      // It has ended by itself.
    }
  }
}

/** Starts sides in their order, at most `width` at a time. */
export class Launcher {
  #waiting = []
  #starting = new Set()
  #paused = false

  constructor(width, limit) {
    this.width = width
    this.limit = limit
  }

  /** Starts them when it is their turn. */
  queue(sides) {
    this.#waiting.push(...sides)
    this.#fill()
  }

  #fill() {
    while (!this.#paused && this.#starting.size < this.width && this.#waiting.length > 0)
      this.#launch(this.#waiting.shift())
  }

  async #launch(side) {
    this.#starting.add(side)
    await side.start(this.limit)
    this.#starting.delete(side)
    const how = side.problem ? `: ${side.problem}` : ` after ${seconds(side.began)} s`
    console.error(`${side.key}: ${side.state}${how}`)
    this.#fill()
  }

  /** Stops those that are starting in their tracks: only one side at a time may work while it is timed. */
  pause() {
    this.#paused = true
    for (const side of this.#starting) side.signal('SIGSTOP')
  }

  resume() {
    this.#paused = false
    for (const side of this.#starting) side.signal('SIGCONT')
    this.#fill()
  }

  /** Ends those that are not ready yet. */
  giveUp() {
    for (const side of [...this.#starting, ...this.#waiting.splice(0)]) side.end()
  }
}
