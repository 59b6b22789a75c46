/** `distil()`: a model that takes hundreds of steps teaches one that takes few, stage by stage. */
import { resolve } from 'node:path'
import { workingFolder } from '../options/paths.ts'
import type { Model } from '../sampling/model.ts'
import { Followed } from '../train/followed.ts'
import type { DistilCall, DistilStatus } from './call.ts'

/**
 * A distillation under way. Await it for the model of its last stage; iterate it for statuses; both at once if you like.
 * Leaving the iteration early does not stop it.
 */
export class Distillation extends Followed<DistilStatus> {
  readonly #folders: string[] = []
  readonly #stop = new AbortController()

  constructor(run: string, call: DistilCall) {
    super()
    const from = workingFolder()
    this.follow(this.#run(typeof run === 'string' && from ? resolve(from, run) : run, call, from))
  }

  async #run(run: string, call: DistilCall, from: string | undefined): Promise<Model> {
    const { runStages } = await import('./run-stages.ts')
    return runStages(run, call, from, {
      stop: this.#stop.signal,
      onFolder: (folder) => this.#folders.push(folder),
      onStatus: (status) => this.tell(status),
    })
  }

  /** The run folders of the stages so far, absolute paths; the last one is that of the stage under way. */
  get folders(): readonly string[] {
    return this.#folders
  }

  /** Ends the stage under way after its running unit, saves a checkpoint, and resolves with its model. */
  stop(): Promise<Model> {
    this.#stop.abort()
    return this.claim()
  }
}

/**
 * Distils the model of a run folder to few denoising steps. Each stage is a run folder in `out`, and a model of its own.
 * Rejects with OPTION_INVALID for a run that cannot be distilled, and as `load()` and `train()` do.
 */
export function distil(run: string, options: DistilCall = {}): Distillation {
  return new Distillation(run, options)
}
