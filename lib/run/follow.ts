/** Follows the files of a run that another process writes: what metrics.jsonl has gained, and how its log ends. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ShinsakuError } from '../errors.ts'
import { type OpenFile, openRegular, readFully } from '../files/read.ts'
import { type CurvePoint, isWarning, metricsIn, pointsOf } from './curves.ts'

const PIECE_BYTES = 1 << 20
const NEWLINE = 0x0a

/** Opens a file of a run; undefined where it is not there yet. */
async function openIfThere(path: string): Promise<OpenFile | undefined> {
  try {
    return await openRegular(path)
  } catch (error) {
    const cause = error instanceof ShinsakuError ? (error.cause as NodeJS.ErrnoException) : undefined
    if (cause?.code === 'ENOENT') return undefined
    throw error
  }
}

/** What came since the last look; `anew` where the file was replaced or shortened, as a resumed run does: all before is void. */
export type Gained = {
  anew: boolean
  points: CurvePoint[]
  /** Images of the first line in which the copy guard warned. */
  warnedAt: number | null
}

export class MetricsFollower {
  readonly #path: string
  #inode: number | undefined
  /** Where the next line begins. */
  #position = 0

  constructor(run: string) {
    this.#path = join(run, 'metrics.jsonl')
  }

  /** Rejects with FILE_FAILED; a file that is not there yet has gained nothing. */
  async read(): Promise<Gained> {
    const opened = await openIfThere(this.#path)
    if (!opened) return { anew: this.#forget(), points: [], warnedAt: null }
    try {
      const { ino } = await opened.file.stat()
      const replaced = this.#inode !== undefined && (ino !== this.#inode || opened.bytes < this.#position)
      const anew = replaced && this.#forget()
      this.#inode = ino
      return { anew, ...(await this.#gained(opened)) }
    } finally {
      await opened.file.close()
    }
  }

  /** Whether there was anything to forget. */
  #forget(): boolean {
    const known = this.#position > 0
    this.#position = 0
    this.#inode = undefined
    return known
  }

  async #gained(opened: OpenFile): Promise<Omit<Gained, 'anew'>> {
    const points: CurvePoint[] = []
    let warnedAt: number | null = null
    while (this.#position < opened.bytes) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, opened.bytes - this.#position))
      if (!(await readFully(opened, piece, this.#position))) break
      const end = piece.lastIndexOf(NEWLINE) + 1
      for (const { images, line } of metricsIn(piece.subarray(0, end))) {
        points.push(...pointsOf(images, line))
        if (isWarning(line)) warnedAt ??= images
      }
      // A piece without any line end is no file of lines: it is passed over. The last line may be half written.
      if (end === 0 && piece.length < PIECE_BYTES) break
      this.#position += end === 0 ? piece.length : end
    }
    return { points, warnedAt }
  }
}

const TAIL_BYTES = 1 << 16

/** The last whole lines of a run's log, at most `most`; none where there is no log. */
export async function logTail(run: string, most: number): Promise<string[]> {
  const opened = await openIfThere(join(run, 'log.txt'))
  if (!opened) return []
  try {
    const tail = Buffer.alloc(Math.min(opened.bytes, TAIL_BYTES))
    if (!(await readFully(opened, tail, opened.bytes - tail.length))) return []
    const lines = tail.toString().split('\n').slice(0, -1)
    // The first line of a longer file is cut.
    return (tail.length < opened.bytes ? lines.slice(1) : lines).slice(-most)
  } finally {
    await opened.file.close()
  }
}

/** A text that changes whenever one of these files or folders of a run does. */
export async function stampOf(run: string, names: readonly string[]): Promise<string> {
  const infos = await Promise.all(names.map((name) => stat(join(run, name)).catch(() => undefined)))
  return infos.map((info) => (info ? `${info.ino} ${info.size} ${info.mtimeMs}` : '-')).join(', ')
}
