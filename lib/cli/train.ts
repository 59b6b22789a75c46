/** `shinsaku train`: one run, its progress, and a clean end at the first Ctrl-C. */
import { readLaunch } from '../distributed/environment.ts'
import type { Status } from '../index.ts'
import type { AnyTrainOptions, TrainOptions } from '../options/types.ts'
import { formatCount, formatPath, formatStatus, PhaseLine, shellQuote } from './format.ts'
import { exitCodes, type Io } from './io.ts'
import { noTurns } from './processes.ts'
import type { Output } from './progress.ts'
import { type Stoppable, withStop } from './with-stop.ts'

/** Statuses come many times a second; a program that reads them gets one a second and the last. */
class JsonLines {
  readonly #io: Io
  #pending: Status | undefined
  #writtenAt = Number.NEGATIVE_INFINITY

  constructor(io: Io) {
    this.#io = io
  }

  add(status: Status): void {
    this.#pending = status
    if (performance.now() - this.#writtenAt >= 1000) this.flush()
  }

  flush(): void {
    if (this.#pending) this.#io.stdout.write(`${JSON.stringify(this.#pending)}\n`)
    this.#pending = undefined
    this.#writtenAt = performance.now()
  }
}

/** The run's folder and how many images its newest checkpoint has seen. */
type Saved = { run: string; images: number }

function report({ run, images }: Saved, stopped: boolean, json: boolean, { stdout, stderr }: Io): void {
  stdout.write(json ? `${JSON.stringify({ run, images })}\n` : `${run}\n`)
  const folder = shellQuote(run)
  stderr.write(`${stopped ? 'Stopped and saved' : 'Done'} after ${formatCount(images)} images.\n`)
  stderr.write(`Sample: shinsaku sample ${folder} -n 16 -o grid.png\n`)
  if (stopped) stderr.write(`Resume: shinsaku train --resume ${folder}\n`)
}

/** Of several processes rank 0 speaks for all. */
function ioOfGroup(io: Io): Io {
  const launch = readLaunch()
  if (!launch || launch.rank === 0) return io
  const silent: Output = { isTTY: false, write: () => true }
  return { ...io, stdout: silent, stderr: silent }
}

/** Trains; resolves with the exit code. `queued`, the words of the call, is there where it is to wait for its turn. */
export async function trainCommand(
  options: AnyTrainOptions,
  json: boolean,
  io: Io,
  queued?: readonly string[],
): Promise<number> {
  if (queued === undefined) return trainNow(options, json, ioOfGroup(io))
  if (readLaunch()) throw noTurns()
  const { waitForTurn } = await import('./queue.ts')
  let endTurn: (() => Promise<void>) | undefined
  const code = await withStop(
    io,
    'Leaving the queue. Another signal ends at once.',
    async ({ signal }) => {
      endTurn = await waitForTurn(queued, signal, io)
      return exitCodes.done
    },
    (code) => {
      io.stderr.write('Nothing was trained.\n')
      return code
    },
  )
  if (!endTurn) return code
  try {
    return await trainNow(options, json, io)
  } finally {
    await endTurn()
  }
}

async function trainNow(options: AnyTrainOptions, json: boolean, io: Io): Promise<number> {
  const { load, train } = await import('../index.ts')
  let folder: string | undefined
  const reportSaved = async (stopped: boolean) => {
    const { images } = await load(folder!)
    report({ run: formatPath(folder!), images }, stopped, json, io)
    return exitCodes.done
  }
  const work = async ({ signal, progress }: Stoppable) => {
    const lines = new JsonLines(io)
    const phaseLine = new PhaseLine()
    const run = train({
      ...(options as TrainOptions),
      signal,
      onLog: (line) => progress.log(line),
      // The line says how far reading has come; without this the log would, too.
      onData: () => {},
      onPhase: (phase) => {
        phaseLine.update(phase)
        progress.update(() => phaseLine.text())
      },
    })
    let last: Status | undefined
    try {
      for await (const status of run) {
        last = status
        const at = performance.now()
        progress.update(() => formatStatus(status, (performance.now() - at) / 1000))
        if (json) lines.add(status)
      }
      await run
    } finally {
      folder = run.folder
      // What stays is where the run stands, not its last phase.
      if (last) progress.update(formatStatus(last))
      progress.end()
      lines.flush()
    }
    return reportSaved(signal.aborted)
  }
  return withStop(io, 'Stopping: saving a checkpoint. A second signal ends at once, without saving.', work, (code) => {
    if (folder !== undefined) return reportSaved(true)
    io.stderr.write('Stopped before training began; there was nothing to save.\n')
    return code
  })
}
