/** The models of a server by name: opened, tried once, and replaced by newer checkpoints while it serves. */
import { createHash } from 'node:crypto'
import { type Problem, throwIfAny } from '../errors.ts'
import type { ResolvedServeOptions } from '../options/serve.ts'
import type { SampleOptions } from '../options/types.ts'
import { Model } from '../sampling/model.ts'
import { openModel } from '../sampling/open.ts'
import { type About, aboutModel } from './about.ts'
import { Lane } from './lane.ts'

/** A run folder, a checkpoint of one, a file of weights, or a model that is open. */
export type ModelSource = string | Model

/** One name and what answers to it now. */
export type Served = { name: string; lane: Lane; model: Model; about: About; since: number }

type Options = Pick<ResolvedServeOptions, 'split' | 'batch' | 'steps' | 'device' | 'threads' | 'at'>

const GPU_BATCH = 8

/** Steps of the picture by which a model is tried. */
const TRIAL_STEPS = 2

/** From 0 to below 1, the same for the same client. */
const placeOf = (client: string): number =>
  createHash('sha256').update(`split ${client}`).digest().readUInt32BE() / 2 ** 32

function sharesOf(split: readonly string[] | null, names: readonly string[]): { name: string; share: number }[] {
  if (split === null) return [{ name: names[0]!, share: 1 }]
  const shares = split.map((text) => {
    const at = text.lastIndexOf('=')
    return { name: text.slice(0, at), share: Number(text.slice(at + 1)) }
  })
  const problems: Problem[] = shares
    .filter(({ name }) => !names.includes(name))
    .map(({ name }) => ({ path: 'split', message: `names "${name}", but the models are ${names.join(', ')}` }))
  const sum = shares.reduce((all, { share }) => all + share, 0)
  if (sum === 0) problems.push({ path: 'split', message: 'gives no model a share above 0' })
  throwIfAny(problems)
  return shares.map(({ name, share }) => ({ name, share: share / sum }))
}

export class Models {
  readonly #sources: ReadonlyMap<string, ModelSource>
  readonly #options: Options
  readonly #shares: readonly { name: string; share: number }[]
  readonly #served = new Map<string, Served>()
  readonly #retired = new Set<Served>()
  #reloading: Promise<string[]> | undefined
  #closed = false

  /** Throws OPTION_INVALID for a split among other models. */
  constructor(sources: ReadonlyMap<string, ModelSource>, options: Options) {
    this.#sources = sources
    this.#options = options
    this.#shares = sharesOf(options.split, [...sources.keys()])
  }

  get all(): Served[] {
    return [...this.#served.values()]
  }

  get(name: string): Served | undefined {
    return this.#served.get(name)
  }

  /** The model of a client that names none: always the same one. */
  usual(client: string): Served {
    let place = placeOf(client)
    const chosen = this.#shares.find(({ share }) => {
      place -= share
      return place < 0
    })
    return this.#served.get((chosen ?? this.#shares.at(-1)!).name)!
  }

  /** Opens every model and tries it. Rejects as `load()` does. */
  async open(): Promise<void> {
    this.#closed = false
    for (const [name, source] of this.#sources) this.#served.set(name, await this.#open(name, source))
  }

  /**
   * Replaces what a newer checkpoint has come for; what was asked of the old ones is finished. Resolves to the names.
   * Rejects as `load()` does, and then the old ones go on.
   */
  reload(): Promise<string[]> {
    // Who asks meanwhile gets the same answer: two at once would open everything twice.
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined
    })
    return this.#reloading
  }

  async #reload(): Promise<string[]> {
    this.sweep()
    const replaced: string[] = []
    for (const [name, source] of this.#sources) {
      const old = this.#served.get(name)
      if (typeof source !== 'string' || !old) continue
      const newer = await this.#newer(name, source, old)
      if (!newer) continue
      if (this.#closed) {
        this.#free(newer)
        break
      }
      this.#served.set(name, newer)
      this.#retired.add(old)
      replaced.push(name)
    }
    this.sweep()
    return replaced
  }

  async #newer(name: string, source: string, old: Served): Promise<Served | undefined> {
    const model = await openModel(source, this.#loadOptions())
    try {
      const isNewer = model.images !== old.model.images || model.run !== old.model.run
      if (isNewer && !this.#closed) return await this.#try(name, model)
    } catch (error) {
      model.dispose()
      throw error
    }
    model.dispose()
    return undefined
  }

  /** Frees models that were replaced and have nothing more to do. */
  sweep(): void {
    for (const served of this.#retired) {
      if (!served.lane.idle) continue
      this.#free(served)
      this.#retired.delete(served)
    }
  }

  /** Frees all. Models that were given open are not disposed of. */
  close(): void {
    this.#closed = true
    for (const served of [...this.#served.values(), ...this.#retired]) this.#free(served)
    this.#served.clear()
    this.#retired.clear()
  }

  #free({ name, lane, model }: Served): void {
    lane.together.close()
    if (typeof this.#sources.get(name) === 'string') model.dispose()
  }

  #loadOptions() {
    const { device, threads, at } = this.#options
    return { device, threads, at }
  }

  async #open(name: string, source: ModelSource): Promise<Served> {
    const model = source instanceof Model ? source : await openModel(source, this.#loadOptions())
    try {
      return await this.#try(name, model)
    } catch (error) {
      if (model !== source) model.dispose()
      throw error
    }
  }

  /** A small picture says whether the model works here, and how fast it is. */
  async #try(name: string, model: Model): Promise<Served> {
    const { batch, steps } = this.#options
    const about = await aboutModel(model)
    const together = await model.together({
      batch: batch ?? (model.device === 'cpu' ? 1 : GPU_BATCH),
      ...(steps === null ? {} : { steps }),
    } as SampleOptions)
    const lane = new Lane(together)
    await tryLane(lane)
    return { name, lane, model, about, since: Math.floor(Date.now() / 1000) }
  }
}

/** Computes a picture in two steps, or one where it takes no more. */
export async function tryLane(lane: Lane): Promise<void> {
  const { together } = lane
  const few = together.stepped ? { steps: TRIAL_STEPS } : {}
  const picture = await together.begin(together.resolve({ seed: 0, ...few } as SampleOptions))
  try {
    // The first step builds what the others use.
    for (let step = 0; !picture.done; step += 1) {
      const begun = performance.now()
      await together.step([picture])
      if (step > 0 || picture.done) lane.took((performance.now() - begun) / 1000)
    }
  } finally {
    picture.dispose()
  }
}
