/** The SHA-256 by which pictures and records are known. */
import { subtle } from 'node:crypto'

/** Off the main thread, so a large picture does not block it. */
export const digest = async (bytes: Uint8Array<ArrayBuffer>): Promise<Buffer> =>
  Buffer.from(await subtle.digest('SHA-256', bytes))
