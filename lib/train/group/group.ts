/** The processes of a group as one of them sees them: values as JSON under keys of a store that all share. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Launch } from '../../distributed/environment.ts'
import { abortError, ShinsakuError } from '../../errors.ts'
import type { Addon, NativeProcessGroup } from '../../native/addon.ts'
import { addressesOf } from './addresses.ts'
import { Commands } from './commands.ts'

/** How long one look for a key may keep the device thread, in seconds. */
const LOOK = 0.25
/** How long rank 0 waits for the others to have heard of the end, in seconds. */
const GOODBYE = 5

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))
const decode = (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes))

export class Group {
  readonly launch: Launch
  readonly native: NativeProcessGroup
  readonly commands: Commands
  /** Whether a process that is not rank 0 was asked to stop. */
  stopRequested = false

  constructor(launch: Launch, native: NativeProcessGroup) {
    this.launch = launch
    this.native = native
    this.commands = new Commands(this)
  }

  get leads(): boolean {
    return this.launch.rank === 0
  }

  /** Puts `value` under `key`, for all. Throws PROCESS_LOST, as all of these do. */
  tell(key: string, value: unknown): Promise<void> {
    return this.native.set(key, encode(value))
  }

  /** What is under `key` by now; undefined where there is nothing. */
  async look(key: string, seconds = 0): Promise<unknown> {
    const found = await this.native.get(key, seconds)
    return found === null ? undefined : decode(found)
  }

  /** Waits for what comes under `key`, however long that takes: another process may be reading pictures. */
  async wait<T>(key: string, signal?: AbortSignal): Promise<T> {
    for (;;) {
      if (signal?.aborted) throw abortError(signal, 'Training')
      const found = await this.look(key, LOOK)
      if (found !== undefined) return found as T
      // Whatever else there is for the device thread to do comes in between.
      await sleep(0)
    }
  }

  /**
   * Leaves a group that goes on or ends without this process. The others are told why, unless it is they who brought
   * the end.
   */
  async leave(error: unknown): Promise<void> {
    const theirs =
      error instanceof ShinsakuError && (error.code === 'PROCESS_LOST' || error.code === 'PROCESSES_DIFFER')
    // Whoever is lost as well cannot be told.
    if (!theirs) await this.native.fail(`it ended with: ${(error as Error).message}`).catch(() => {})
    else if (error.code === 'PROCESSES_DIFFER') await this.#goodbye().catch(() => {})
    this.native.dispose()
  }

  /** The run is at its end. Rank 0, whose process may hold the store, is the last to go. */
  async end(): Promise<void> {
    await this.#goodbye().catch(() => {})
    this.native.dispose()
  }

  async #goodbye(): Promise<void> {
    const { rank, size, agentStore } = this.launch
    if (!this.leads) {
      await this.tell(`goodbye/${rank}`, true)
      // A run that follows in this process must not meet the store of this one.
      if (!agentStore) await this.look('closed', GOODBYE)
      return
    }
    const until = performance.now() + GOODBYE * 1000
    for (let other = 1; other < size; other++)
      await this.look(`goodbye/${other}`, Math.max(0, (until - performance.now()) / 1000))
  }
}

/** Meets the other processes. Rejects with DISTRIBUTED_INVALID, PROCESS_LOST. */
export async function joinGroup(addon: Addon, launch: Launch): Promise<Group> {
  const { rank, size, port, agentStore, timeout, joinTimeout } = launch
  const { host, listen, address } = await addressesOf(launch)
  const native = await addon.processGroup({
    rank,
    size,
    host,
    port,
    ...(rank === 0 && !agentStore && { listen }),
    agentStore,
    prefix: `shinsaku/${launch.attempt}`,
    address,
    timeout,
    joinTimeout,
  })
  return new Group(launch, native)
}
