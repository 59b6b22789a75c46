/** `shinsaku ls`: the runs in a folder, the one that did something last first. */
import { visible } from '../errors.ts'
import { formatTime } from '../options/format-time.ts'
import type { RunSummary } from '../run/list.ts'
import { formatBytes, formatCount, table } from './format.ts'
import type { Io } from './io.ts'

function rowOf({ run, images, loss, updated, bytes, training }: RunSummary, now: number): string[] {
  const seconds = Math.max(0, (now - Date.parse(updated)) / 1000)
  return [
    visible(run),
    formatCount(images),
    loss === null ? '-' : loss.toPrecision(3),
    training ? 'training' : `${formatTime(seconds)} ago`,
    formatBytes(bytes),
  ]
}

/** Prints one line for each run; `now` is the time in milliseconds. */
export async function lsCommand(out: string, json: boolean, { stdout, stderr }: Io, now = Date.now()): Promise<void> {
  const { listRuns } = await import('../run/list.ts')
  const runs = await listRuns(out)
  if (json) stdout.write(`${JSON.stringify(runs)}\n`)
  else if (runs.length === 0) stderr.write(`There are no runs in ${out}.\n`)
  else {
    const rows = [['run', 'images', 'loss', 'last change', 'size'], ...runs.map((run) => rowOf(run, now))]
    stdout.write(`${table(rows).join('\n')}\n`)
  }
}
