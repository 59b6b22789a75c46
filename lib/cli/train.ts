/** `shinsaku train`: one run, its progress, and a clean end at the first Ctrl-C. */
import { ShinsakuError } from '../errors.ts'
import type { Status } from '../index.ts'
import type { TrainOptions } from '../options/resolve.ts'
import { formatCount, formatStatus, shellQuote } from './format.ts'
import { exitCodes, type Io, onStopSignals } from './io.ts'
import { Progress } from './progress.ts'

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

/** Trains; resolves with the exit code. */
export async function trainCommand(options: TrainOptions, json: boolean, io: Io): Promise<number> {
  const { train } = await import('../index.ts')
  const progress = new Progress(io.stderr)
  const lines = new JsonLines(io)
  const beforeStart = new AbortController()
  const run = train({ ...options, signal: beforeStart.signal, onLog: (line) => progress.log(line) })
  let stoppedBy: 'SIGINT' | 'SIGTERM' | undefined
  const undo = onStopSignals(io, (signal) => {
    stoppedBy = signal
    progress.log(
      run.folder ? 'Stopping: saving a checkpoint. The same signal again ends at once, without it.' : 'Stopping.',
    )
    if (run.folder === undefined) beforeStart.abort()
    // The loop below sees the same end.
    else run.stop().catch(() => {})
  })
  try {
    for await (const status of run) {
      progress.update(formatStatus(status))
      if (json) lines.add(status)
    }
    const model = await run
    const { images } = model
    model.dispose()
    progress.end()
    if (json) {
      lines.flush()
      io.stdout.write(`${JSON.stringify({ run: run.folder, images })}\n`)
    } else io.stdout.write(`${run.folder}\n`)
    const folder = shellQuote(run.folder!)
    io.stderr.write(`${stoppedBy ? 'Stopped and saved' : 'Done'} after ${formatCount(images)} images.\n`)
    io.stderr.write(`Draw pictures: shinsaku sample ${folder} -n 16 -o grid.png\n`)
    if (stoppedBy) io.stderr.write(`Go on:         shinsaku train --resume ${folder}\n`)
    return exitCodes.done
  } catch (error) {
    if (!stoppedBy || !(error instanceof ShinsakuError) || error.code !== 'ABORT_ERR') throw error
    io.stderr.write('Stopped before training began.\n')
    return exitCodes[stoppedBy]
  } finally {
    progress.end()
    undo()
  }
}
