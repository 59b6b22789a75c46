/** The runs that the page may show, and their files: a name from a request never leads out of a run's folder. */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import { ShinsakuError } from '../errors.ts'
import { readWhole } from '../files/read.ts'
import { listRuns, type RunSummary, summarize } from '../run/list.ts'
import { configFile } from '../run/names.ts'

/** A run as the page lists it, under the name of its folder. */
export type ListedRun = Omit<RunSummary, 'run'> & { name: string }

/** Names that are one step down, and nothing else. */
const isName = (name: string): boolean => /^[^/\\\0]+$/.test(name) && name !== '.' && name !== '..'

/** Grids of thousands of pictures have less. */
const MAX_FILE_BYTES = 2 ** 28

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

export class WatchedRuns {
  /** Absolute. */
  readonly folder: string
  /** The only run that is shown; undefined for all in the folder. */
  readonly #only: string | undefined

  private constructor(folder: string, only: string | undefined) {
    this.folder = folder
    this.#only = only
  }

  /** Of a folder of runs, or of one run. `mayWait`: a folder that is not there yet has no runs yet. Throws RUN_NOT_FOUND. */
  static async open(path: string, mayWait = false): Promise<WatchedRuns> {
    const folder = resolve(path)
    if (await isThere(configFile(folder))) return new WatchedRuns(dirname(folder), basename(folder))
    const info = await stat(folder).catch(() => undefined)
    if (info?.isDirectory() || (info === undefined && mayWait)) return new WatchedRuns(folder, undefined)
    throw new ShinsakuError('RUN_NOT_FOUND', info ? `${path} is not a folder` : `There is no ${path}`, {
      hint: 'Give a folder of runs, such as runs, or one run in it.',
    })
  }

  /** The run that did something last first. Rejects with FILE_FAILED. */
  async list(): Promise<ListedRun[]> {
    const listed =
      this.#only === undefined ? await listRuns(this.folder) : [await summarize(join(this.folder, this.#only))]
    return listed.map(({ run, ...rest }) => ({ name: basename(run), ...rest }))
  }

  /** The folder of a run by its name; undefined where there is no such run. */
  async find(name: string): Promise<string | undefined> {
    if (!isName(name) || (this.#only !== undefined && name !== this.#only)) return undefined
    const run = join(this.folder, name)
    return (await isThere(configFile(run))) ? run : undefined
  }

  /** A file of a run by its path in it; undefined where there is none, or where links lead it out of the run. */
  async read(name: string, ...path: readonly string[]): Promise<Uint8Array | undefined> {
    const run = await this.find(name)
    if (run === undefined || !path.every(isName)) return undefined
    try {
      const [real, file] = [await realpath(run), await realpath(join(run, ...path))]
      return file.startsWith(real + sep) ? await readWhole(file, MAX_FILE_BYTES) : undefined
    } catch {
      return undefined
    }
  }
}
