/** A trained model: loads a run's weights and draws pictures with them. */
import { basename } from 'node:path'
import { type Placement, toSpec } from '../backend/placement.ts'
import type { Weights } from '../checkpoint/state-names.ts'
import { abortError, ShinsakuError } from '../errors.ts'
import type { Layer, NativeInferenceModel } from '../native/addon.ts'
import type { ResolvedSampleOptions, ResolvedTrainOptions, SampleOptions } from '../options/resolve.ts'
import { withSampleAdvice } from './advice.ts'
import { Pictures, type SaveOptions } from './pictures.ts'

export type SampleCall = SampleOptions & {
  /** Aborting rejects with an AbortError between two denoising steps. */
  signal?: AbortSignal
  /** Called a few times a second with the share of the work that is done, 0 to 1. */
  onProgress?: (share: number) => void
}

export type LoadOptions = {
  /** As for `train()`; the default is "auto". */
  device?: 'auto' | 'cpu' | 'cuda' | undefined
  threads?: number | undefined
  /** Draw with operations that give the bits of the PyTorch reference; a run trained with exact always does. */
  exact?: boolean | undefined
}

/** What a model draws from: the options it was trained with, and its weights by kind. */
export type ModelDeps = {
  options: ResolvedTrainOptions
  placement: Placement
  images: number
  run: string
  /** A native generator over these weights; asked for once for each kind. */
  generator(weights: Weights): Promise<NativeInferenceModel>
}

const PROGRESS_MS = 100

/** Pictures in the making. Await it, or call `grid()` or `save()` right away. */
export class SampleJob implements PromiseLike<Pictures> {
  readonly #pictures: Promise<Pictures>

  constructor(pictures: Promise<Pictures>) {
    this.#pictures = pictures
  }

  // biome-ignore lint/suspicious/noThenProperty: a job is awaitable by design
  then<A = Pictures, B = never>(
    done?: ((value: Pictures) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#pictures.then(done, failed)
  }

  /** All pictures on one sheet; see `Pictures.grid()`. */
  async grid(path?: string): Promise<Uint8Array> {
    return (await this.#pictures).grid(path)
  }

  /** One file for each picture; see `Pictures.save()`. */
  async save(folder: string, options?: SaveOptions): Promise<string[]> {
    return (await this.#pictures).save(folder, options)
  }
}

/** A model that draws pictures. Its weights stay in memory until `dispose()` or garbage collection. */
export class Model {
  /** The options it was trained with. */
  readonly options: ResolvedTrainOptions
  /** Images it had seen when these weights were saved. */
  readonly images: number
  /** The run folder it comes from. */
  readonly run: string
  readonly #parts: ModelDeps
  readonly #generators = new Map<Weights, Promise<NativeInferenceModel>>()
  #disposed = false

  constructor(parts: ModelDeps) {
    this.#parts = parts
    this.options = parts.options
    this.images = parts.images
    this.run = parts.run
  }

  /** Where the model computes. */
  get device(): Placement['device'] {
    return this.#parts.placement.device
  }

  /**
   * Draws pictures. One seed gives one picture, whatever else is drawn beside it.
   * Rejects with OPTION_INVALID, ABORT_ERR, DISPOSED, OUT_OF_MEMORY.
   */
  sample(options: SampleCall = {}): SampleJob {
    return new SampleJob(this.#sample(options))
  }

  async #sample({ signal, onProgress, ...given }: SampleCall): Promise<Pictures> {
    if (this.#disposed) throw new ShinsakuError('DISPOSED', 'The model was disposed before sample() was called')
    const { resolveSample } = await import('../options/resolve.ts')
    const options = resolveSample(given, this.options)
    if (signal?.aborted) throw abortError(signal, 'Sampling')
    const weights = this.#pick(options.weights)
    return this.#draw(options, weights, signal, onProgress).catch((error) => {
      throw withSampleAdvice(error, options)
    })
  }

  async #draw(
    options: ResolvedSampleOptions,
    weights: Weights,
    signal: AbortSignal | undefined,
    onProgress: SampleCall['onProgress'],
  ): Promise<Pictures> {
    const generator = await this.#generator(weights)
    const { size, channels } = this.options
    const { seeds, seed: _, count: __, ...settings } = options
    const provenance = {
      generator: 'shinsaku',
      run: basename(this.run),
      images: this.images,
      model: this.options.model,
      ...settings,
      weights,
      operations: this.#parts.placement.samplingOps,
    }
    // Statistics of the batch are those of all pictures together.
    const most = options.batchNorm === 'batch' ? seeds.length : options.batch
    const pixels = new Uint8Array(seeds.length * size * size * channels)
    let reported = performance.now()
    for (let begin = 0; begin < seeds.length; begin += most) {
      const now = seeds.slice(begin, begin + most)
      const sampler = await generator.sampler({ ...toSpec(options), seeds: now })
      const onStep = async () => {
        if (signal?.aborted) throw abortError(signal, 'Sampling')
        if (!onProgress || performance.now() - reported < PROGRESS_MS) return
        onProgress((begin + (await sampler.progress()) * now.length) / seeds.length)
        reported = performance.now()
      }
      try {
        while (!(await sampler.step())) await onStep()
        if (begin + most < seeds.length) await onStep()
        pixels.set(await sampler.pixels(), begin * size * size * channels)
      } finally {
        sampler.dispose()
      }
    }
    onProgress?.(1)
    return new Pictures(pixels, size, channels, seeds, provenance)
  }

  #pick(weights: 'auto' | Weights): Weights {
    const available: readonly Weights[] = this.options.emaDecay === null ? ['raw'] : ['ema', 'raw']
    if (weights === 'auto') return available.includes('ema') ? 'ema' : 'raw'
    if (!available.includes(weights)) {
      throw new ShinsakuError(
        'OPTION_INVALID',
        `weights is "${weights}", but the model was trained with emaDecay null and has only: ${available.join(', ')}`,
        {
          details: { problems: [{ path: 'weights', message: `"${weights}" is not in this model` }] },
        },
      )
    }
    return weights
  }

  #generator(weights: Weights): Promise<NativeInferenceModel> {
    let generator = this.#generators.get(weights)
    if (!generator) {
      generator = this.#parts.generator(weights)
      generator.catch(() => this.#generators.delete(weights))
      this.#generators.set(weights, generator)
    }
    return generator
  }

  /** The network: its layers in order, its parameters in all, and which ops set draws. */
  async describe(): Promise<{ layers: readonly Layer[]; parameters: number; device: string; samplingOps: string }> {
    const { loadAddon } = await import('../native/load.ts')
    const addon = await loadAddon()
    const { placement } = this.#parts
    const { layers, parameters } = await addon.describe(toSpec(this.options, placement))
    return { layers, parameters, device: placement.device, samplingOps: placement.samplingOps }
  }

  /** Frees the weights. A sample() under way still finishes. */
  dispose(): void {
    this.#disposed = true
    for (const generator of this.#generators.values())
      generator.then(
        (g) => g.dispose(),
        () => {},
      )
    this.#generators.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose()
  }
}
