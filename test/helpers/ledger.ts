/** Everything a run leaves that must not depend on whether it was broken off: not the times, and not in how many files. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventFiles } from '../../lib/run/events.ts'
import { scanAll } from './events.ts'
import { checkpointsOf, linesOf } from './runs.ts'

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
  const newest = checkpointsOf(folder).at(-1)!
  const inNewest = (name: string) => join(folder, 'checkpoints', newest, name)
  const { elapsedSeconds: _, ...state } = JSON.parse(readFileSync(inNewest('state.json'), 'utf8'))
  return {
    newest,
    state,
    tensors: ['model.safetensors', 'optimizer.safetensors'].map((name) => sha256(inNewest(name))),
    lines: linesOf(folder).map(({ elapsedSeconds, imagesPerSecond, ...line }) => line),
    events: await eventsOf(folder),
    sheets: (existsSync(join(folder, 'samples')) ? readdirSync(join(folder, 'samples')) : [])
      .sort()
      .map((name) => `${name} ${sha256(join(folder, 'samples', name))}`),
  }
}
