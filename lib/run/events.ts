/** Writes the TensorBoard event files of a run. Steps are images seen. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../errors.ts'
import { Appender, cutTo } from '../files/append.ts'
import { scanEvents } from './event-reader.ts'
import { frame, imageValue, scalarValue, summaryEvent, versionEvent } from './event-records.ts'

/** TensorBoard wants a host in the name; the real one is nobody's business. */
const HOST = 'shinsaku'

export class EventWriter {
  readonly #appender: Appender

  constructor(appender: Appender) {
    this.#appender = appender
  }

  #append(images: number, values: Uint8Array[]): Promise<void> {
    return this.#appender.append(frame(summaryEvent(Date.now() / 1000, images, values)))
  }

  /** One value for each tag, all at the same position. */
  async scalars(images: number, values: Readonly<Record<string, number>>): Promise<void> {
    await this.#append(
      images,
      Object.entries(values).map(([name, value]) => scalarValue(name, value)),
    )
  }

  async image(images: number, tag: string, png: Uint8Array, width: number, height: number): Promise<void> {
    await this.#append(images, [imageValue(tag, png, width, height)])
  }

  /** Makes what was written survive a power cut. */
  sync(): Promise<void> {
    return this.#appender.sync()
  }

  close(): Promise<void> {
    return this.#appender.close()
  }
}

const PREFIX = 'events.out.tfevents.'
const DIGITS = 6

/** Event files of a run, in the order of their names, which is that of their beginnings. */
export async function eventFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause) => {
    throw fileError('read', folder, cause)
  })
  return names
    .filter((name) => name.startsWith(PREFIX))
    .sort()
    .map((name) => join(folder, name))
}

/**
 * Cuts every event file of the run before its first record after `images`, and what is cut short or damaged there
 * with it: a resumed run writes these records again. Resolves with the tags that are left at `images`.
 */
export async function truncateEvents(folder: string, images: number): Promise<Set<string>> {
  const tags = new Set<string>()
  for (const path of await eventFiles(folder)) {
    let length = 0
    let later = false
    const { bytes } = await scanEvents(path, (record) => {
      // A record without values only says what kind of file this is.
      later ||= record.tags.length > 0 && record.step > images
      if (later) return
      if (record.step === images) for (const tag of record.tags) tags.add(tag)
      length = record.end
    })
    if (length < bytes) await cutTo(path, length)
  }
  return tags
}

/** Starts a new event file in `folder`; TensorBoard reads the files of a folder in the order of their names. */
export async function openEvents(folder: string, wallTimeSeconds: number): Promise<EventWriter> {
  const base = join(folder, `${PREFIX}${Math.floor(wallTimeSeconds)}.${HOST}`)
  const same = (await eventFiles(folder)).filter((path) => path.startsWith(base)).length
  // As many digits for each, or the eleventh of a second would come before the third.
  const appender = await Appender.create(same === 0 ? base : `${base}.${String(same).padStart(DIGITS, '0')}`)
  await appender.append(frame(versionEvent(wallTimeSeconds))).catch(async (error: unknown) => {
    await appender.close().catch(() => {})
    throw error
  })
  return new EventWriter(appender)
}
