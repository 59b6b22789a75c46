/** Pictures of separate requests, computed together: each begins and ends between two steps, whatever is beside it. */
import { toSpec } from '../backend/placement.ts'
import { type Problem, throwIfAny } from '../errors.ts'
import type { NativeInferenceModel, NativeSampler } from '../native/addon.ts'
import type { LabelSet } from '../options/labels.ts'
import type { ResolvedSampleOptions, SampleOptions } from '../options/types.ts'
import type { Direction } from './direction.ts'
import { Picture, type PictureKind } from './picture.ts'

/** Where a picture lies that is of no seed itself: at `mix`, 0 to below 1, of the way from its seed to another. */
export type Way = { toSeed: number; mix: number }

/** One picture that is asked for. */
export type Asked = { readonly options: ResolvedSampleOptions; readonly way?: Way | undefined }

export type TogetherDeps = {
  native: NativeInferenceModel
  size: number
  channels: number
  /** Rows of each batch that is computed; a picture depends on them, but not on what is in the others. */
  rows: number
  /** Whether the model computes many steps, and several pictures in each. */
  stepped: boolean
  /** Fills and checks the options of one picture. Throws OPTION_INVALID. */
  resolve(given: SampleOptions): ResolvedSampleOptions
  /** The labels that it can be asked for; null for none. */
  labels: LabelSet | null
  /** Whether guidance makes pictures follow them more. */
  guided: boolean
  /** What is wrong with these options for a picture between two seeds. */
  checkWay(options: ResolvedSampleOptions): Problem[]
  /** What a picture shows by its labels, and what its metadata say. */
  directionOf(options: Omit<ResolvedSampleOptions, 'seeds' | 'seed' | 'count'>): Direction
  close(): void
}

/** A picture in the making. To be disposed, whatever becomes of it. */
export class StartedPicture {
  readonly seed: number
  /** How much of it is done, 0 to 1. */
  share = 0
  readonly #sampler: NativeSampler
  readonly #kind: PictureKind

  constructor(seed: number, sampler: NativeSampler, kind: PictureKind) {
    this.seed = seed
    this.#sampler = sampler
    this.#kind = kind
  }

  get done(): boolean {
    return this.share >= 1
  }

  /** @internal */
  get sampler(): NativeSampler {
    return this.#sampler
  }

  /** The picture as it is now. */
  async picture(): Promise<Picture> {
    return new Picture(this.seed, await this.#sampler.pixels(), this.#kind)
  }

  dispose(): void {
    this.#sampler.dispose()
  }
}

/** A model that computes pictures of separate requests. The same seed and options give the bytes of `sample()` with `batch` as `rows`. */
export class Together {
  readonly #deps: TogetherDeps

  constructor(deps: TogetherDeps) {
    this.#deps = deps
  }

  /** How many pictures one step may take. */
  get rows(): number {
    return this.#deps.rows
  }

  /** Whether it computes many steps. */
  get stepped(): boolean {
    return this.#deps.stepped
  }

  get labels(): LabelSet | null {
    return this.#deps.labels
  }

  get guided(): boolean {
    return this.#deps.guided
  }

  get size(): number {
    return this.#deps.size
  }

  /** One picture, complete and checked; `batch` is the rows. Throws OPTION_INVALID. */
  resolve(given: SampleOptions, way?: Way): Asked {
    const options = this.#deps.resolve({ ...given, batch: this.#deps.rows } as SampleOptions)
    if (way) throwIfAny(this.#deps.checkWay(options))
    return { options, way }
  }

  /** How many steps a picture takes. */
  stepsOf({ options }: Asked): number {
    return this.#deps.stepped ? (options.steps ?? 1) : 1
  }

  /** Begins one picture; nothing of it is computed before the next step. */
  async begin({ options, way }: Asked): Promise<StartedPicture> {
    const { native, size, channels, directionOf } = this.#deps
    const [seed] = options.seeds
    const between = way && { toSeeds: [way.toSeed], mix: [way.mix] }
    // Its own sampler has one row; the rows of the batch come together in each step.
    const { seeds: _, seed: __, count: ___, ...rest } = options
    const { row: labels, settings } = directionOf(rest)
    const sampler = await native.sampler({
      ...toSpec({ ...options, ...between, batch: 1 }),
      ...(labels && { labels }),
    })
    const provenance = { ...settings, ...way }
    return new StartedPicture(seed!, sampler, { size, channels, provenance })
  }

  /** One step of each, at most `rows` of them. */
  async step(pictures: readonly StartedPicture[]): Promise<void> {
    const { native, rows } = this.#deps
    const samplers = pictures.map(({ sampler }) => sampler)
    const shares = await native.stepTogether(samplers, rows)
    for (const [i, picture] of pictures.entries()) picture.share = shares[i]!
  }

  /** Gives the model back. */
  close(): void {
    this.#deps.close()
  }
}
