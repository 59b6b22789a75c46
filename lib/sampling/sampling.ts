/** A call to `sample()` under way: one native sampler after the other, each for the pictures of one batch. */
import { toSpec } from '../backend/placement.ts'
import { abortError } from '../errors.ts'
import type { NativeInferenceModel, NativeSampler } from '../native/addon.ts'
import type { ResolvedSampleOptions } from '../options/types.ts'
import type { WalkPath } from '../options/walk.ts'
import { withSampleAdvice } from './advice.ts'
import { type Edit, inputsOf } from './edit-inputs.ts'
import { Picture, type PictureKind, type Provenance } from './picture.ts'

const PROGRESS_MS = 100

/** What a sampling needs of its model and of the call. */
export type SamplingDeps = PictureKind & {
  options: ResolvedSampleOptions
  /** Of a walk: what its pictures are between, in the order of the options' seeds. */
  path?: WalkPath | undefined
  /** How many pictures are computed together. */
  atOnce: number
  /** Whether the same call gives each picture again, whatever is sampled beside it. */
  repeatable: boolean
  native: NativeInferenceModel
  /** What the network is told of the pictures; absent where nothing is asked for. */
  labels?: readonly number[]
  /** The picture that is changed; absent where pictures begin as noise. */
  edit?: Edit
  signal: AbortSignal | undefined
  onProgress: ((share: number) => void) | undefined
  onPicture: ((picture: Picture) => void) | undefined
  /** Gives the native model back. */
  close(): void
}

/** Gives each picture once, as it is finished; holds those of one batch. To be closed, however it ends. */
export class Sampling implements PictureKind, AsyncIterable<Picture> {
  readonly seeds: readonly number[]
  readonly size: number
  readonly channels: number
  readonly provenance: Provenance
  readonly #deps: SamplingDeps
  #reported = performance.now()

  constructor(deps: SamplingDeps) {
    this.seeds = deps.options.seeds
    this.size = deps.size
    this.channels = deps.channels
    this.provenance = deps.provenance
    this.#deps = deps
  }

  close(): void {
    this.#deps.close()
  }

  get repeatable(): boolean {
    return this.#deps.repeatable
  }

  /** The same call for these seeds only; closing this one closes it. */
  only(seeds: readonly number[]): Sampling {
    return new Sampling({ ...this.#deps, options: { ...this.#deps.options, seeds, count: seeds.length } })
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Picture> {
    const { atOnce, onProgress, onPicture } = this.#deps
    const count = this.seeds.length
    const bytes = this.size * this.size * this.channels
    for (let done = 0; done < count; done += atOnce) {
      const seeds = this.seeds.slice(done, done + atOnce)
      const pixels = await this.#batch(seeds, done)
      // Copies: one picture that is kept must not keep its batch.
      for (const [i, seed] of seeds.entries()) {
        const picture = new Picture(seed, pixels.slice(i * bytes, (i + 1) * bytes), this.#kindAt(done + i))
        onPicture?.(picture)
        yield picture
      }
    }
    onProgress?.(1)
  }

  /** What is known of one picture: one between two seeds names both. */
  #kindAt(index: number): PictureKind {
    const { path } = this.#deps
    const mix = path?.mix[index] ?? 0
    if (mix === 0) return this
    const { size, channels, provenance } = this
    return { size, channels, provenance: { ...provenance, toSeed: path!.toSeeds[index]!, mix } }
  }

  /** What the first picture is before it becomes pixels: float32 [channels, size, size]. */
  async values(): Promise<Float32Array> {
    const bytes = await this.#batch(this.seeds.slice(0, 1), 0, (sampler) => sampler.values())
    return new Float32Array(Uint8Array.from(bytes).buffer)
  }

  /** What `read` takes of the next pictures, their pixels by default; `done` are finished. */
  async #batch(
    seeds: readonly number[],
    done: number,
    read: (sampler: NativeSampler) => Promise<Uint8Array> = (sampler) => sampler.pixels(),
  ): Promise<Uint8Array> {
    const { native, options, atOnce, path, labels, edit } = this.#deps
    this.#throwIfAborted()
    const end = done + seeds.length
    const between = path && { toSeeds: path.toSeeds.slice(done, end), mix: path.mix.slice(done, end) }
    try {
      const spec = toSpec({ ...options, ...between, seeds, count: seeds.length })
      const args = { ...spec, ...(labels && { labels }), ...edit?.args }
      const sampler = await native.sampler(args, edit && inputsOf(edit, this, seeds.length))
      try {
        while (!(await sampler.step())) {
          this.#throwIfAborted()
          await this.#report(seeds.length, done, sampler)
        }
        await this.#report(0, done + seeds.length, sampler)
        return await read(sampler)
      } finally {
        sampler.dispose()
      }
    } catch (error) {
      throw withSampleAdvice(error, { atOnce, batch: options.batch })
    }
  }

  #throwIfAborted(): void {
    const { signal } = this.#deps
    if (signal?.aborted) throw abortError(signal, 'Sampling')
  }

  /** Tells the share of the call that is done, a few times a second. */
  async #report(working: number, done: number, sampler: NativeSampler): Promise<void> {
    const { onProgress } = this.#deps
    if (!onProgress || performance.now() - this.#reported < PROGRESS_MS) return
    const within = working > 0 ? working * (await sampler.progress()) : 0
    const share = (done + within) / this.seeds.length
    // The end is reported once, when every picture has been taken.
    if (share < 1) onProgress(share)
    this.#reported = performance.now()
  }
}
