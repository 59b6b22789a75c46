/** What rank 0 tells the others to do, in order: every decision about a run is made there alone. */
import type { NativeProcessGroup } from '../../native/addon.ts'

/** What this needs of a group. */
type Channel = {
  tell(key: string, value: unknown): Promise<void>
  wait<T>(key: string): Promise<T>
  native: Pick<NativeProcessGroup, 'remove'>
}

export type Command =
  /** One unit of so many updates. */
  | { do: 'step'; updates: number }
  /** Take over everything of rank 0's trainer. */
  | { do: 'synchronize' }
  /** The learning rate's course ends at so many images. */
  | { do: 'endAt'; images: number }
  /** The run, in this folder, is at its end. */
  | { do: 'end'; run: string }

/** Commands that may be on their way; older ones have been obeyed by all, since a unit is one that all take part in. */
const KEPT = 64

const keyOf = (number: number): string => `command/${number}`

export class Commands {
  readonly #group: Channel
  #number = 0

  constructor(group: Channel) {
    this.#group = group
  }

  /** Queues a command before whatever is queued after this call. */
  give(command: Command): Promise<void> {
    const number = this.#number++
    const given = this.#group.tell(keyOf(number), command)
    if (number < KEPT) return given
    const removed = this.#group.native.remove(keyOf(number - KEPT))
    return Promise.all([given, removed]).then(() => {})
  }

  /** The next command. */
  async take(): Promise<Command> {
    const command = await this.#group.wait<Command>(keyOf(this.#number))
    this.#number += 1
    return command
  }
}
