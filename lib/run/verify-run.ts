/** Goes over everything that a run folder holds. */
import { readdir } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { listCheckpoints } from '../checkpoint/find.ts'
import { checkpointsFolder, positionName, positionOf } from '../checkpoint/records.ts'
import { fileError, ShinsakuError } from '../errors.ts'
import {
  checkCheckpoint,
  checkConfig,
  checkDataset,
  checkEvents,
  checkJson,
  checkLatest,
  checkMetrics,
  checkPicture,
  checkText,
  type Finding,
  found,
  note,
} from './checks.ts'
import { awaitsData, environmentFile, importedFile } from './directory.ts'
import { eventFiles } from './events.ts'
import { configFile, datasetFile } from './names.ts'

async function namesIn(folder: string): Promise<string[]> {
  return (
    await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return []
      throw fileError('read', folder, cause)
    })
  ).sort()
}

/** What was found out about one file or folder of a run. */
export type Check = Finding & {
  /** Relative to the run folder. */
  path: string
}

export type Verification = {
  run: string
  /** Whether nothing is damaged. */
  whole: boolean
  checks: Check[]
}

class Verifier {
  readonly checks: Check[] = []
  readonly #run: string

  constructor(run: string) {
    this.#run = run
  }

  async add(path: string, work: (path: string) => Promise<Finding>): Promise<void> {
    this.checks.push({ path: relative(this.#run, path), ...(await found(() => work(path))) })
  }

  /** Files that a run killed early may lack. */
  async addIfThere(names: readonly string[], name: string, work: (path: string) => Promise<Finding>): Promise<void> {
    if (names.includes(name)) await this.add(join(this.#run, name), work)
  }

  async records(): Promise<void> {
    const names = await namesIn(this.#run)
    await this.add(configFile(this.#run), () => checkConfig(this.#run))
    if (!(await awaitsData(this.#run))) await this.add(datasetFile(this.#run), checkDataset)
    await this.addIfThere(names, importedFile, checkJson)
    await this.addIfThere(names, environmentFile, checkJson)
    await this.addIfThere(names, 'metrics.jsonl', checkMetrics)
    for (const path of await eventFiles(this.#run)) await this.add(path, checkEvents)
    await this.addIfThere(names, 'log.txt', checkText)
    await this.addIfThere(names, 'reals.png', checkPicture)
    for (const folder of [join(this.#run, 'samples'), join(this.#run, 'nearest')])
      for (const name of await namesIn(folder))
        if (name.endsWith('.png')) await this.add(join(folder, name), checkPicture)
    for (const name of names.filter((other) => other.startsWith('.lock-')))
      await this.add(join(this.#run, name), async () => note('a process trains in this run, or was killed in it'))
  }

  async checkpoints(): Promise<void> {
    const places = await listCheckpoints(this.#run)
    for (const { folder } of places) await this.add(folder, checkCheckpoint)
    const parent = checkpointsFolder(this.#run)
    for (const name of await namesIn(parent)) {
      const path = join(parent, name)
      if (name === 'latest.json') {
        const positions = places.map(({ images }) => images)
        await this.add(path, () => checkLatest(path, positions))
      } else if (name.startsWith('.tmp-'))
        await this.add(path, async () => note('unfinished; the next save deletes it'))
      else if (positionOf(name) === undefined) await this.add(path, async () => note('not a checkpoint; left alone'))
    }
  }
}

/** What `verify()` promises, for a path that is a string. */
export async function verifyRun(path: string): Promise<Verification> {
  const position = positionOf(basename(resolve(path)))
  const run = position === undefined ? path : dirname(dirname(resolve(path)))
  const verifier = new Verifier(run)
  if (position !== undefined) await verifier.add(join(checkpointsFolder(run), positionName(position)), checkCheckpoint)
  else {
    const names = await namesIn(run)
    if (!names.includes('config.json') && !names.includes('checkpoints')) {
      throw new ShinsakuError('RUN_NOT_FOUND', `${path} is not a run folder`, {
        hint: 'Give the folder that train() made, such as runs/00000-diffusion-128-icons.',
      })
    }
    await verifier.records()
    await verifier.checkpoints()
  }
  const { checks } = verifier
  return { run, whole: checks.every(({ state }) => state !== 'damaged'), checks }
}
