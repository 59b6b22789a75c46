/** What the copy guard looks at: the loss of held-out beside training pictures, and how many samples are near copies. */
import type { Weights } from '../checkpoint/state-names.ts'
import type { PixelStore } from '../data/pixel-store.ts'
import { CopySearch, copiesAmong, copyShare } from '../evaluate/copies.ts'
import { bootstrapDifference, meanOf, shuffled } from '../evaluate/intervals.ts'
import { definitionOf } from '../models/table.ts'
import type { NativeTrainer } from '../native/addon.ts'
import type { NativeEvaluate } from '../native/evaluate.ts'
import { conditionOf } from '../options/condition.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import type { GuardRecord } from '../run/guard-records.ts'
import type { Model } from '../sampling/model.ts'
import type { LendModel } from './live-models.ts'
import { NearestPairs } from './nearest-pairs.ts'

/** Of the guard's own choices and noise: the same pictures, noise and samples at every look, whatever the run's seed. */
const SEED = 20_220_713
/** Losses of so many pictures of each side at most. */
const MAX_COMPARED = 256
/** Bytes of samples that are held at a time. */
const SAMPLES_AT_ONCE = 32

export type MeasureDeps = {
  options: ResolvedTrainOptions
  addon: Pick<NativeEvaluate, 'pixelIndex'>
  trainer: Pick<NativeTrainer, 'loss'>
  store: PixelStore
  heldOut: PixelStore | null
  /** A number for each training picture, the same for variants of one drawing. */
  groups: Int32Array
  withModel: LendModel
  /** Keeps the grid of the samples that are nearest to training pictures. */
  saveNearest(images: number, png: Uint8Array): Promise<void>
  signal: AbortSignal | undefined
}

/** What one look has found, and the seconds that one sample and all the rest took, what happens only once apart. */
export type Measured = Pick<GuardRecord, 'weights' | 'gaps' | 'copyShare' | 'copyShareHeldOut' | 'pixels'> & {
  /** Whether the copy share of samples is above that of held-out pictures, beyond chance. */
  copies: boolean
  secondsPerSample: number
  otherSeconds: number
}

export class GuardMeasure {
  readonly #deps: MeasureDeps
  /** Undefined until the first look; null where copies cannot be told. */
  #search: CopySearch | null | undefined
  /** Near copies among the held-out pictures: the same at every look. */
  #heldOutHits: Uint8Array | null = null
  #disposed = false

  constructor(deps: MeasureDeps) {
    this.#deps = deps
  }

  /** Pictures whose loss is computed at each look. */
  get compared(): number {
    const { store, heldOut } = this.#deps
    return heldOut === null ? 0 : 2 * Math.min(heldOut.count, store.count, MAX_COMPARED)
  }

  /** Looks at the weights as they are, through `samples` samples. Nothing of training moves. */
  async measure(samples: number, images: number): Promise<Measured> {
    await this.#open()
    const startedAt = performance.now()
    return this.#deps.withModel(images, async (model) => {
      const weights = model.autoWeights
      const gaps = await this.#gaps(weights)
      const sampledAt = performance.now()
      const pairs = new NearestPairs()
      const { hits, first } = await this.#copies(model, samples, pairs)
      const now = performance.now()
      const fakes = gaps.length > 0 && first !== undefined ? await this.#lossesOf(first, weights) : undefined
      if (hits) await this.#deps.saveNearest(images, await pairs.grid(this.#deps.store))
      const held = this.#heldOutHits
      return {
        weights,
        gaps: fakes ? gaps.map((gap, row) => ({ ...gap, fake: meanOf(fakes[row]!) })) : gaps,
        copyShare: hits && copyShare(hits, SEED),
        copyShareHeldOut: held && copyShare(held, SEED),
        pixels: this.#search?.side ?? null,
        copies: hits !== null && bootstrapDifference(hits, held ?? [0], SEED).low > 0,
        secondsPerSample: (now - sampledAt) / 1000 / samples,
        otherSeconds: (sampledAt - startedAt) / 1000,
      }
    })
  }

  async #open(): Promise<void> {
    if (this.#search !== undefined) return
    const { options, addon, store, heldOut, groups } = this.#deps
    // A model that turns pictures into others is judged by its losses alone: near its training picture is where
    // a sample should be.
    this.#search = conditionOf(options) !== null ? null : ((await CopySearch.over(addon, store, groups)) ?? null)
    if (this.#search === null || heldOut === null) return
    const hits: number[] = []
    for (const rows of pieces(range(heldOut.count), SAMPLES_AT_ONCE))
      hits.push(...copiesAmong(await this.#search.nearest(await heldOut.read(rows))))
    this.#heldOutHits = Uint8Array.from(hits)
  }

  /**
   * 1 for each of `count` samples that is a near copy; null where that cannot be told. `first` are as many samples as
   * there are pictures in a gap, one after the other, where their losses are asked for.
   */
  async #copies(
    model: Model,
    count: number,
    pairs: NearestPairs,
  ): Promise<{ hits: Uint8Array | null; first?: Uint8Array }> {
    if (!this.#search) return { hits: null }
    const { options, signal } = this.#deps
    const compared = definitionOf(options.model).guard.ofSamples ? this.compared / 2 : 0
    const kept: Uint8Array[] = []
    const call = { count, seed: SEED, batch: options.batch, ...(signal && { signal }) }
    const hits = new Uint8Array(count)
    let [done, waiting]: [number, Uint8Array[]] = [0, []]
    for await (const { pixels } of model.sample(call)) {
      waiting.push(pixels)
      if (kept.length < compared) kept.push(pixels)
      if (waiting.length < SAMPLES_AT_ONCE && done + waiting.length < count) continue
      const found = await this.#search.nearest(Buffer.concat(waiting))
      hits.set(copiesAmong(found), done)
      pairs.add(waiting, found)
      done += waiting.length
      waiting = []
    }
    return { hits, ...(kept.length > 0 && { first: Buffer.concat(kept) }) }
  }

  /** The training side has as many pictures as the held-out one, and the same noise. */
  async #gaps(weights: Weights): Promise<GuardRecord['gaps']> {
    const { options, store, heldOut } = this.#deps
    if (heldOut === null) return []
    const n = this.compared / 2
    const { rows } = definitionOf(options.model).guard
    const train = await this.#losses(store, shuffled(store.count, SEED).subarray(0, n), weights)
    const apart = await this.#losses(heldOut, shuffled(heldOut.count, SEED).subarray(0, n), weights)
    return rows.map((name, row) => {
      const [mine, others] = [train[row]!, apart[row]!]
      const gap = bootstrapDifference(others, mine, SEED + row, rows.length)
      return { name, train: meanOf(mine), heldOut: meanOf(others), ...gap, n }
    })
  }

  /** For each row of the native loss, one value for each picture. */
  async #losses(store: PixelStore, indices: Int32Array, weights: Weights): Promise<number[][]> {
    const losses: number[][] = []
    for (const rows of pieces(indices, this.#deps.options.batch))
      await this.#addLosses(losses, await store.read(rows), rows.length, weights)
    return losses
  }

  /** The same of pixels that are at hand. */
  async #lossesOf(pixels: Uint8Array, weights: Weights): Promise<number[][]> {
    const { store, options } = this.#deps
    const each = store.size ** 2 * store.channels
    const losses: number[][] = []
    for (const rows of pieces(range(pixels.length / each), options.batch))
      await this.#addLosses(losses, pixels.subarray(rows[0]! * each, (rows.at(-1)! + 1) * each), rows.length, weights)
    return losses
  }

  async #addLosses(losses: number[][], pixels: Uint8Array, count: number, weights: Weights): Promise<void> {
    const { options, trainer, store } = this.#deps
    const { guard } = definitionOf(options.model)
    const done = losses[0]?.length ?? 0
    const seeds = Array.from({ length: count }, (_, i) => SEED + done + i)
    const shape = [count, store.size, store.size, store.channels]
    const values = await trainer.loss(pixels, shape, { ...guard.args, weights, seeds })
    for (const row of guard.rows.keys()) {
      losses[row] ??= []
      losses[row].push(...values.subarray(row * count, (row + 1) * count))
    }
  }

  dispose(): void {
    if (!this.#disposed) this.#search?.dispose()
    this.#disposed = true
  }
}

const range = (count: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i)

function* pieces(indices: Int32Array, length: number): Generator<Int32Array> {
  for (let first = 0; first < indices.length; first += length) yield indices.subarray(first, first + length)
}
