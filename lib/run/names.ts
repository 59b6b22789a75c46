/** Names and numbers of run folders: `00003-diffusion-128-icons`. */
import { access, readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileError } from '../errors.ts'
import { CONFIG_FILE } from '../files/own.ts'
import { disk, makeFolderDurable, move, remove, syncFolder } from '../files/write.ts'

/** The part after the number, from the options that tell runs apart. */
export function runName(model: string, size: number, data: string | readonly string[]): string {
  const source = typeof data === 'string' ? data : 'files'
  const last = source.startsWith('builtin:') ? source.split(':')[1]! : basename(resolve(source))
  const plain = last
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}._-]+/gu, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
  return `${model}-${size}-${[...plain].slice(0, 40).join('') || 'data'}`
}

type Named = {
  readonly model: string
  readonly size: number
  readonly data: string | readonly string[]
  readonly distilSteps?: number | null | undefined
}

/** The same of complete options. A distilled run is no run to go on with for one that learns from pictures. */
export function runNameOf({ model, size, data, distilSteps }: Named): string {
  const name = runName(model, size, data)
  return distilSteps == null ? name : `${name}-${distilSteps}-steps`
}

const numbered = /^(\d{5,9})-(.+)$/

async function namesIn(out: string): Promise<string[]> {
  return readdir(out).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw fileError('read', out, cause)
  })
}

const numberOf = (name: string): number => Number(numbered.exec(name)?.[1] ?? -1)

/** Creates the folder with the next free number. Of processes that do this at once, each gets a number of its own. */
export async function makeNumberedFolder(out: string, name: string): Promise<string> {
  await makeFolderDurable(out)
  const newest = (await namesIn(out)).reduce((most, other) => Math.max(most, numberOf(other)), -1)
  for (let number = newest + 1; ; number++) {
    const digits = String(number).padStart(5, '0')
    // The claim is what makes the number exclusive, whatever names others give it; it becomes the folder itself.
    const claim = join(out, `.${digits}`)
    try {
      await disk.mkdir(claim)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw fileError('create', claim, cause)
    }
    if ((await namesIn(out)).some((other) => numberOf(other) === number)) {
      await remove(claim)
      continue
    }
    const folder = join(out, `${digits}-${name}`)
    await move(claim, folder)
    await syncFolder(out)
    return folder
  }
}

/** A run begins with this file: a folder without it was given up before it could be used. */
export const configFile = (run: string): string => join(run, CONFIG_FILE)

/** The record of the pictures that a run learns from. */
export const datasetFile = (run: string): string => join(run, 'dataset.json')

const isBegun = (run: string): Promise<boolean> =>
  access(configFile(run)).then(
    () => true,
    () => false,
  )

/** The runs whose name after the number is `name`, the highest number first. */
export async function* findRuns(out: string, name: string): AsyncGenerator<string, void> {
  const runs = (await namesIn(out)).filter((other) => numbered.exec(other)?.[2] === name)
  for (const run of runs.sort((a, b) => numberOf(b) - numberOf(a))) {
    if (await isBegun(join(out, run))) yield join(out, run)
  }
}
