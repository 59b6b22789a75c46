/** `shinsaku queue`: lists the runs that wait for their turn on this machine, stops one, or moves one; and waits for a turn. */
import { throwIfAny, visible } from '../errors.ts'
import { formatTime } from '../options/format-time.ts'
import { joinQueue, listQueue, moveQueued, type QueueEntry, stopQueued } from '../queue/queue.ts'
import { shellQuote, table } from './format.ts'
import type { Io } from './io.ts'

const rowOf = ({ id, state, since, command }: QueueEntry, place: number, now: number): string[] => [
  id,
  state === 'training' ? 'training' : `place ${place}`,
  `${formatTime(Math.max(0, (now - Date.parse(since)) / 1000))} ago`,
  visible(command),
]

async function act(action: string, id: string | undefined, position: string | undefined): Promise<void> {
  if (id === undefined) throwIfAny([{ path: 'id', message: `expected the id of a run: shinsaku queue ${action} ID` }])
  if (action === 'stop') {
    if (position !== undefined) throwIfAny([{ path: 'position', message: 'goes with move only' }])
    return stopQueued(id!)
  }
  if (action === 'move') return moveQueued(id!, Number(position))
  throwIfAny([{ path: 'action', message: `expected "stop" or "move", but got ${JSON.stringify(action)}` }])
}

/** Lists the queue, after what `action` asks for. */
export async function queueCommand(
  [action, id, position]: readonly (string | undefined)[],
  json: boolean,
  { stdout, stderr }: Io,
  now = Date.now(),
): Promise<void> {
  if (action !== undefined) await act(action, id, position)
  const entries = await listQueue()
  const training = entries.filter(({ state }) => state === 'training').length
  if (json) stdout.write(`${JSON.stringify(entries)}\n`)
  else if (entries.length === 0) stderr.write('No run waits, and none of the queue trains.\n')
  else {
    const rows = entries.map((entry, i) => rowOf(entry, i + 1 - training, now))
    stdout.write(`${table([['id', 'state', 'joined', 'command'], ...rows]).join('\n')}\n`)
  }
}

/** Waits for this process's turn; resolves with what ends it. Rejects with ABORT_ERR. */
export function waitForTurn(
  args: readonly string[],
  signal: AbortSignal,
  { stderr }: Io,
): Promise<() => Promise<void>> {
  const command = ['shinsaku', ...args].map((arg) => shellQuote(arg)).join(' ')
  const onWait = (ahead: number) =>
    stderr.write(`Waits in the queue: ${ahead === 1 ? 'one run is' : `${ahead} runs are`} ahead. See shinsaku queue.\n`)
  return joinQueue({ command, signal, onWait })
}
