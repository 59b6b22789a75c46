/**
 * The runs that wait for their turn on this machine: one ticket each, in a folder that all processes of the user see.
 * Tickets and the turn are held by locks of their processes, so a process that was killed neither waits nor trains.
 */
import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { abortError, ShinsakuError, throwIfAny, visible } from '../errors.ts'
import { isLock, type Lock, lockHolder, takeLock } from '../files/lock.ts'
import { readJson } from '../files/read.ts'
import { makeFolderDurable, remove, toJson, writeDurable } from '../files/write.ts'
import { userCacheFolder } from '../system/cache.ts'

const ticketSchema = z.strictObject({
  id: z.string().regex(/^[0-9a-f]{6}$/),
  pid: z.number().int().positive(),
  /** The lowest goes first; the time of joining in milliseconds, until it is moved. */
  order: z.number(),
  since: z.string(),
  command: z.string().max(10_000),
  folder: z.string().max(10_000),
})
type Ticket = z.infer<typeof ticketSchema>

/** One run of the queue as lists show it. */
export type QueueEntry = {
  id: string
  state: 'training' | 'waiting'
  /** The command line, and the folder that it was given in. */
  command: string
  folder: string
  /** When it joined, as an ISO date. */
  since: string
}

const TURN = 'turn'
/** Held by a process from when it joins until it leaves, and while it is its turn. */
const ticketLock = (id: string): string => `ticket-${id}`
const trainingLock = (id: string): string => `training-${id}`

/** Where the tickets are. Throws CACHE_MISSING. */
export const queueFolder = (): string => join(userCacheFolder(), 'queue')

const ticketPath = (folder: string, id: string): string => join(folder, `${id}.json`)

/** Tickets whose processes live, the first first; the training one, where there is one, is the first of all. */
async function ticketsIn(folder: string): Promise<{ ticket: Ticket; training: boolean }[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^[0-9a-f]{6}\.json$/.test(name))
  const found = await Promise.all(
    names.map(async (name) => {
      // A ticket goes while it is read where its process ends, and what is none is nobody's.
      const ticket = await readJson(join(folder, name), ticketSchema).catch(() => undefined)
      if (!ticket || (await lockHolder(folder, ticketLock(ticket.id))) === undefined) return []
      return [{ ticket, training: (await lockHolder(folder, trainingLock(ticket.id))) !== undefined }]
    }),
  )
  return found
    .flat()
    .sort(
      (a, b) =>
        Number(b.training) - Number(a.training) ||
        a.ticket.order - b.ticket.order ||
        a.ticket.id.localeCompare(b.ticket.id),
    )
}

/** The queue of this machine: the run that trains, then those that wait, in their order. */
export async function listQueue(folder = queueFolder()): Promise<QueueEntry[]> {
  return (await ticketsIn(folder)).map(({ ticket: { id, command, folder: from, since }, training }) => ({
    id,
    state: training ? 'training' : 'waiting',
    command,
    folder: from,
    since,
  }))
}

async function entryOf(id: string, folder: string) {
  const tickets = await ticketsIn(folder)
  const index = tickets.findIndex(({ ticket }) => ticket.id === id)
  if (index >= 0) return { tickets, index, ...tickets[index]! }
  throw new ShinsakuError('QUEUE_NOT_FOUND', `No run of the queue has the id ${visible(id)}`, {
    hint: 'See shinsaku queue: a run that has ended, or was stopped, is in it no more.',
  })
}

/** Asks the process of a run to end, as SIGTERM does: one that trains saves first. Throws QUEUE_NOT_FOUND, FILE_FAILED. */
export async function stopQueued(id: string, folder = queueFolder()): Promise<void> {
  const { ticket } = await entryOf(id, folder)
  const holder = await lockHolder(folder, ticketLock(id))
  if (!holder?.here)
    throw new ShinsakuError('QUEUE_NOT_FOUND', `The run ${visible(id)} is of another container or machine`, {
      hint: 'Stop it where it was started.',
    })
  process.kill(ticket.pid)
}

/** Puts a waiting run at a place among those that wait, from 1 on. Throws QUEUE_NOT_FOUND, OPTION_INVALID. */
export async function moveQueued(id: string, position: number, folder = queueFolder()): Promise<void> {
  const { tickets, ticket, training } = await entryOf(id, folder)
  const others = tickets.filter((other) => !other.training && other.ticket.id !== id).map((other) => other.ticket.order)
  if (training) throwIfAny([{ path: 'id', message: `${id} trains already; only a run that waits can be moved` }])
  if (!Number.isInteger(position) || position < 1 || position > others.length + 1)
    throwIfAny([{ path: 'position', message: `expected a place from 1 to ${others.length + 1}, but got ${position}` }])
  const [before, after] = [others[position - 2], others[position - 1]]
  const order =
    before === undefined
      ? after === undefined
        ? ticket.order
        : after - 1
      : after === undefined
        ? before + 1
        : (before + after) / 2
  await writeDurable(ticketPath(folder, id), toJson({ ...ticket, order }))
}

const LOOK_MS = 1000

export type JoinOptions = {
  command: string
  signal?: AbortSignal | undefined
  /** Called with the number of runs ahead, whenever it changes. */
  onWait?: (ahead: number) => void
  folder?: string
  lookMs?: number
}

/** Takes the turn where this ticket is the first that waits and nobody trains; otherwise how many are ahead. */
async function tryTurn(folder: string, id: string): Promise<Lock | number> {
  const tickets = await ticketsIn(folder)
  const ahead = tickets.findIndex(({ ticket }) => ticket.id === id)
  if (ahead !== 0) return Math.max(1, ahead)
  const turn = await takeLock(folder, TURN)
  return isLock(turn) ? turn : 1
}

/** Removes what processes that were killed have left. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const id = /^([0-9a-f]{6})\.json$|^\.(?:ticket|training)-([0-9a-f]{6})-/.exec(name)
    // A ticket is written after its lock is taken, and goes before it.
    if (id && (await lockHolder(folder, ticketLock(id[1] ?? id[2]!))) === undefined) await remove(join(folder, name))
  }
}

/**
 * Joins the queue and resolves when it is this process's turn, with what ends it. Rejects with ABORT_ERR where `signal`
 * fires before, and with FILE_FAILED or DISK_FULL.
 */
export async function joinQueue({
  command,
  signal,
  onWait = () => {},
  folder = queueFolder(),
  lookMs = LOOK_MS,
}: JoinOptions): Promise<() => Promise<void>> {
  await makeFolderDurable(folder)
  await sweep(folder)
  const id = randomBytes(3).toString('hex')
  const held = await takeLock(folder, ticketLock(id))
  if (!isLock(held)) throw new ShinsakuError('FILE_FAILED', `Could not join the queue in ${folder}`)
  const now = new Date()
  const path = ticketPath(folder, id)
  const leave = async () => {
    await remove(path)
    await held.release()
  }
  /** Says that it trains, until what this resolves with is called. */
  const begin = async (turn: Lock) => {
    const training = await takeLock(folder, trainingLock(id))
    return async () => {
      if (isLock(training)) await training.release()
      await turn.release()
      await leave()
    }
  }
  try {
    const ticket: Ticket = {
      id,
      pid: process.pid,
      order: now.getTime(),
      since: now.toISOString(),
      command: command.slice(0, 10_000),
      folder: process.cwd().slice(0, 10_000),
    }
    await writeDurable(path, toJson(ticket))
    for (let shown = -1; ; ) {
      if (signal?.aborted) throw abortError(signal, 'Waiting in the queue')
      const turn = await tryTurn(folder, id)
      if (typeof turn !== 'number') return await begin(turn)
      if (turn !== shown) onWait(turn)
      shown = turn
      await wait(lookMs, undefined, signal && { signal }).catch(() => {})
    }
  } catch (error) {
    await leave().catch(() => {})
    throw error
  }
}
