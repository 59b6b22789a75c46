/** Writes the TensorBoard event files of a run. Steps are images seen. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileError } from '../errors.ts'
import { Appender } from '../files/append.ts'
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

/** Starts a new event file in `folder`; TensorBoard reads the files of a folder in the order of their names. */
export async function openEvents(folder: string, wallTimeSeconds: number): Promise<EventWriter> {
  const seconds = Math.floor(wallTimeSeconds)
  const names = await readdir(folder).catch((cause) => {
    throw fileError('read', folder, cause)
  })
  const base = `events.out.tfevents.${seconds}.${HOST}`
  const same = names.filter((name) => name.startsWith(base)).length
  const appender = await Appender.create(join(folder, same === 0 ? base : `${base}.${same}`))
  await appender.append(frame(versionEvent(wallTimeSeconds))).catch(async (error: unknown) => {
    await appender.close().catch(() => {})
    throw error
  })
  return new EventWriter(appender)
}
