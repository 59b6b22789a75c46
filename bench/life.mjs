// How a process behaves that lives long: its memory over thousands of steps, its event loop meanwhile, samplers side by
// side, and what the kernels' own form of the weights takes. Each is a process of its own.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { median, row } from './rows.mjs'

/** @import { Row } from './rows.mjs' */

const self = fileURLToPath(import.meta.url)
const model = /** @type {const} */ ('diffusion')
const SMALL = { model, data: 'builtin:icons:64', size: 16, dim: 8, dimMults: [1, 2], batch: 4 }
const MB = 2 ** 20
const rss = () => process.memoryUsage.rss() / MB

/**
 * @param {string} work
 * @param {number} value
 * @param {string} unit
 * @returns {Row}
 */
const one = (work, value, unit) => ({ work, who: 'shinsaku', median: value, min: value, rounds: 1, unit })

/** The 99th percentile of how late the event loop is, beyond the timer that measures it. */
function watchLoop() {
  const resolution = 5
  const delays = monitorEventLoopDelay({ resolution })
  delays.enable()
  return () => {
    delays.disable()
    return Math.max(0, delays.percentile(99) / 1e6 - resolution)
  }
}

/** The median of the RSS over a stretch, so that one moment does not decide. */
class Memory {
  /** @type {{ share: number, mb: number }[]} */
  readings = []

  /** @param {number} share */
  note(share) {
    this.readings.push({ share, mb: rss() })
  }

  /**
   * @param {number} from
   * @param {number} to
   */
  between(from, to) {
    return median(this.readings.filter(({ share }) => share >= from && share <= to).map(({ mb }) => mb))
  }

  get growth() {
    return this.between(0.9, 1) - this.between(0.1, 0.2)
  }
}

/** @type {Record<string, (folder: string) => Promise<Row[]>>} */
const scenarios = {
  async sampling(folder) {
    const { train } = await import('../dist/index.js')
    const model = await train({ ...SMALL, maxImages: 4, previews: 0, out: folder })
    const pictures = 50
    const steps = 200
    const memory = new Memory()
    const stop = watchLoop()
    const begun = performance.now()
    for (let n = 0; n < pictures; n++) {
      await model.sample({ seed: n, steps, sampler: 'ddim', weights: 'raw' })
      memory.note((n + 1) / pictures)
    }
    const p99 = stop()
    const total = pictures * steps
    return [
      one(`RSS growth over ${total.toLocaleString('en')} sampling steps`, memory.growth, 'MB'),
      one('event loop, 99th percentile of its delay while sampling', p99, 'ms'),
      one(`${total.toLocaleString('en')} sampling steps`, (performance.now() - begun) / 1000, 's'),
    ]
  },

  async training(folder) {
    const { train } = await import('../dist/index.js')
    const updates = 2000
    const memory = new Memory()
    const stop = watchLoop()
    const begun = performance.now()
    const run = train({
      ...SMALL,
      threads: 1,
      accumulate: 1,
      maxImages: updates * SMALL.batch,
      previews: 0,
      out: folder,
    })
    for await (const { images, maxImages } of run) memory.note(images / maxImages)
    await run
    return [
      one(`RSS growth over ${updates.toLocaleString('en')} training steps`, memory.growth, 'MB'),
      one('event loop, 99th percentile of its delay while training', stop(), 'ms'),
      one(`${updates.toLocaleString('en')} training steps`, (performance.now() - begun) / 1000, 's'),
    ]
  },

  /** Four samplers at once against the same four pictures one after another, in turns. */
  async together(folder) {
    const { train } = await import('../dist/index.js')
    const model = await train({
      ...SMALL,
      dim: 32,
      dimMults: [1, 2, 4],
      size: 64,
      maxImages: 4,
      previews: 0,
      out: folder,
    })
    const draw = (/** @type {number} */ seed) => model.sample({ seed, steps: 20, sampler: 'ddim', weights: 'raw' })
    const seeds = [0, 1, 2, 3]
    const timed = async (/** @type {() => Promise<unknown>} */ work) => {
      const begun = performance.now()
      await work()
      return performance.now() - begun
    }
    await draw(0)
    const shares = []
    for (let round = 0; round < 10; round++) {
      const apart = await timed(async () => {
        for (const seed of seeds) await draw(seed)
      })
      const together = await timed(() => Promise.all(seeds.map(draw)))
      shares.push((100 * apart) / together)
    }
    return [
      { ...one('throughput of 4 samplers at once, of one', median(shares), '%'), min: Math.min(...shares), rounds: 10 },
    ]
  },

  /** Requests beside a run: what each of them waits for, and what they cost training. */
  async beside(folder) {
    const { train } = await import('../dist/index.js')
    const small = { ...SMALL, dim: 32, dimMults: [1, 2, 4], size: 32, batch: 16, threads: 1, previews: 0, out: folder }
    const picture = { steps: 20, sampler: /** @type {const} */ ('ddim'), weights: /** @type {const} */ ('raw') }
    const rounds = 10
    /** @param {() => PromiseLike<unknown>} draw */
    const timed = async (draw) => {
      const begun = performance.now()
      await draw()
      return performance.now() - begun
    }
    const model = await train({ ...small, maxImages: small.batch })
    await model.sample(picture)
    const idle = []
    for (let n = 0; n < rounds; n++) idle.push(await timed(() => model.sample(picture)))
    model.dispose()

    const run = train({ ...small, maxImages: 1e9 })
    let updates = 0
    const counted = (async () => {
      for await (const status of run) updates = status.updates
    })()
    const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms))
    /** Updates a second while `work` goes on. @param {() => Promise<unknown>} work */
    const rate = async (work) => {
      const [before, begun] = [updates, performance.now()]
      await work()
      return ((updates - before) * 1000) / (performance.now() - begun)
    }
    while (updates < 5) await pause(100)
    const alone = await rate(() => pause(10_000))
    // Now and then, as visitors come; then one after the other.
    const beside = []
    for (let n = 0; n < rounds; n++) {
      await pause(500)
      beside.push(await timed(() => run.sample(picture)))
    }
    let more = true
    const without = rate(() => pause(10_000)).finally(() => {
      more = false
    })
    while (more) await run.sample(picture)
    const share = (100 * (await without)) / alone
    await run.stop()
    await counted
    return [
      row('a picture of 20 steps, 32 px, nothing beside it', 'shinsaku', idle),
      row('the same beside training', 'shinsaku', beside),
      one('an update of that training', 1000 / alone, 'ms'),
      one('rate of training beside such requests without a pause, of alone', share, '%'),
    ]
  },

  /** What the first step of a generator adds: the 36M network, and pictures so small that activations are nothing. */
  async weights() {
    const { loadAddon } = await import('../dist/native/load.js')
    const { placeOn, toSpec } = await import('../dist/backend/placement.js')
    const { resolveTrain } = await import('../dist/options/resolve.js')
    const addon = await loadAddon()
    const options = resolveTrain({ model: 'diffusion', size: 16, batch: 1, previews: 0 })
    const placement = placeOn('cpu', options, (await addon.info()).cpuOps)
    const images = await addon.images(new Uint8Array(16 * 16 * 3), [1, 16, 16, 3], 'cpu')
    const trainer = await addon.trainer(toSpec(options, placement), images)
    const generator = await trainer.inferenceModel('raw')
    const sampler = await generator.sampler({ seeds: [0], steps: 10, sampler: 'ddim', eta: 0, batch: 1 })
    const before = rss()
    await sampler.step()
    return [one("the 36M network's weights in the kernels' form", rss() - before, 'MB')]
  },
}

/** @returns {Row[]} */
export function lifeRows() {
  return Object.keys(scenarios).flatMap((name) =>
    JSON.parse(
      execFileSync(process.execPath, [self, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }),
    ),
  )
}

if (process.argv[1] === self) {
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-life-'))
  const rows = await scenarios[process.argv[2] ?? '']?.(folder)
  rmSync(folder, { recursive: true })
  console.log(JSON.stringify(rows))
  process.exit(0)
}
