/** Everything a run leaves that must not depend on whether it was broken off: not the times, and not in how many files. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { eventFiles } from '../../lib/run/events.ts'
import { scanAll } from './events.ts'
import { jsonIn, linesOf, newestOf } from './runs.ts'

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

async function eventsOf(folder: string): Promise<string[]> {
  const scans = await Promise.all((await eventFiles(folder)).map(scanAll))
  return scans.flatMap(({ records, problem }) => [
    ...records.filter(({ tags }) => tags.length > 0).map(({ step, tags }) => `${step} ${tags.join(' ')}`),
    ...(problem === undefined ? [] : [problem]),
  ])
}

/** Position, state and tensors of the newest checkpoint; lines, events and sheets of the whole run. */
export async function ledgerOf(folder: string) {
  const newest = newestOf(folder)
  const inNewest = (name: string) => join(newest, name)
  const { elapsedSeconds: _, ...state } = jsonIn(newest, 'state.json')
  return {
    newest: basename(newest),
    state,
    tensors: ['model.safetensors', 'optimizer.safetensors'].map((name) => sha256(inNewest(name))),
    lines: linesOf(folder).map(({ elapsedSeconds, imagesPerSecond, residentBytes, ...line }) => line),
    events: await eventsOf(folder),
    sheets: (existsSync(join(folder, 'samples')) ? readdirSync(join(folder, 'samples')) : [])
      .sort()
      .map((name) => `${name} ${sha256(join(folder, 'samples', name))}`),
  }
}
