/** `distil()`: a model that takes hundreds of steps teaches one that takes few, stage by stage. */
import { resolve } from 'node:path'
import { workingFolder } from '../options/paths.ts'
import type { Model } from '../sampling/model.ts'
import { StatusReader } from '../train/status-reader.ts'
import type { DistilCall, DistilStatus } from './call.ts'

/**
 * A distillation under way. Await it for the model of its last stage; iterate it for statuses; both at once if you like.
 * Leaving the iteration early does not stop it.
 */
export class Distillation implements PromiseLike<Model>, AsyncIterable<DistilStatus> {
  readonly #model: Promise<Model>
  readonly #readers = new Set<StatusReader<DistilStatus>>()
  readonly #folders: string[] = []
  readonly #stop = new AbortController()
  #claimed = false
  #end: { error?: unknown } | undefined

  constructor(run: string, call: DistilCall) {
    const from = workingFolder()
    this.#model = this.#run(typeof run === 'string' && from ? resolve(from, run) : run, call, from)
    this.#model.then(
      () => this.#finish({}),
      (error: unknown) => {
        this.#finish({ error })
        // A failure that nobody awaits or iterates must not pass in silence.
        if (!this.#claimed) throw error
      },
    )
  }

  async #run(run: string, call: DistilCall, from: string | undefined): Promise<Model> {
    const { runStages } = await import('./run-stages.ts')
    return runStages(run, call, from, {
      stop: this.#stop.signal,
      onFolder: (folder) => this.#folders.push(folder),
      onStatus: (status) => {
        for (const reader of this.#readers) reader.push(status)
      },
    })
  }

  #finish(end: { error?: unknown }): void {
    this.#end = end
    for (const reader of this.#readers) reader.finish(end)
    this.#readers.clear()
  }

  /** The run folders of the stages so far, absolute paths; the last one is that of the stage under way. */
  get folders(): readonly string[] {
    return this.#folders
  }

  // biome-ignore lint/suspicious/noThenProperty: a distillation is awaitable by design
  then<A = Model, B = never>(
    done?: ((model: Model) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#claimed = true
    return this.#model.then(done, failed)
  }

  [Symbol.asyncIterator](): AsyncIterator<DistilStatus> {
    const reader = new StatusReader<DistilStatus>(() => this.#readers.delete(reader))
    this.#claimed = true
    if (this.#end) reader.finish(this.#end)
    else this.#readers.add(reader)
    return reader
  }

  /** Ends the stage under way after its running unit, saves a checkpoint, and resolves with its model. */
  stop(): Promise<Model> {
    this.#claimed = true
    this.#stop.abort()
    return this.#model
  }
}

/**
 * Distils the model of a run folder to few denoising steps. Each stage is a run folder in `out`, and a model of its own.
 * Rejects with OPTION_INVALID for a run that cannot be distilled, and as `load()` and `train()` do.
 */
export function distil(run: string, options: DistilCall = {}): Distillation {
  return new Distillation(run, options)
}
