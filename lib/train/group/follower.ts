/** A process of a group that is not rank 0: computes its share of each unit, and decides and saves nothing. */
import type { Dataset } from '../../data/dataset.ts'
import { abortError, ShinsakuError } from '../../errors.ts'
import type { NativeTrainer } from '../../native/addon.ts'
import type { Model } from '../../sampling/model.ts'
import { openModel } from '../../sampling/open.ts'
import type { Sampling } from '../../sampling/sampling.ts'
import { isNotFinite } from '../advice.ts'
import { Prefetch } from '../prefetch.ts'
import type { RunSession } from '../session.ts'
import type { Command } from './commands.ts'
import type { Group } from './group.ts'

export type FollowerDeps = {
  group: Group
  trainer: NativeTrainer
  data: Pick<Dataset, 'store'>
  /** The run folder of rank 0. */
  folder: string
  signal: AbortSignal | undefined
  device: 'auto' | 'cpu' | 'cuda'
  threads: number
}

export class FollowerSession implements RunSession {
  readonly #deps: FollowerDeps
  readonly #prefetch: Prefetch | null

  constructor(deps: FollowerDeps) {
    this.#deps = deps
    this.#prefetch = deps.data.store.resident ? null : new Prefetch(deps.trainer, deps.data.store)
  }

  get folder(): string {
    return this.#deps.folder
  }

  /** Asks rank 0 to stop all. */
  stop(): void {
    // Whoever cannot be asked is lost, which the next command says.
    this.#deps.group.tell('stop', true).catch(() => {})
  }

  async checkpoint(): Promise<string> {
    throw this.#notHere('checkpoint()')
  }

  async sample(): Promise<Sampling> {
    throw this.#notHere('sample()')
  }

  #notHere(call: string): ShinsakuError {
    const { rank } = this.#deps.group.launch
    return new ShinsakuError(
      'DISTRIBUTED_UNSUPPORTED',
      `${call} is for the process of rank 0; this one is rank ${rank}`,
      {
        hint: `Call it where RANK is 0.`,
        details: { rank },
      },
    )
  }

  /** Follows to the end of the run; resolves with its model, which must be where this process can read it. */
  async train(): Promise<Model> {
    const { group, signal, folder, device, threads } = this.#deps
    const stop = () => this.stop()
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
    try {
      for (;;) {
        const command = await group.commands.take()
        if (command.do === 'end') break
        await this.#obey(command)
      }
    } catch (error) {
      await group.leave(error)
      throw error
    } finally {
      signal?.removeEventListener('abort', stop)
      this.#deps.trainer.dispose()
      await this.#deps.data.store.close()
    }
    await group.end()
    if (signal?.aborted) throw abortError(signal, 'Training')
    return openModel(folder, { device, threads })
  }

  async #obey(command: Exclude<Command, { do: 'end' }>): Promise<void> {
    const { trainer } = this.#deps
    if (command.do === 'endAt') return trainer.endAt(command.images)
    if (command.do === 'synchronize') {
      await trainer.synchronize()
      return this.#prefetch?.reset()
    }
    await (this.#prefetch ?? trainer).step(command.updates).catch((error: unknown) => {
      // All have the same loss and the same weights: rank 0 goes back to a checkpoint, or ends the run.
      if (!isNotFinite(error)) throw error
    })
  }
}
