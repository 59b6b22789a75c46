/** `shinsaku train`: one run, its progress, and a clean end at the first Ctrl-C. */
import { readLaunch } from '../distributed/environment.ts'
import type { Model, Status, TrainCall, TrainingRun } from '../index.ts'
import { conditionOf, conditions } from '../options/condition.ts'
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
type Saved = { run: string; images: number; accuracy?: Status['accuracy'] }

/** What may be done with a run next. */
function nextLine(folder: string, trained: Model['options']): string {
  if (trained.model === 'classifier') return `Classify: shinsaku classify ${folder} PICTURE...\n`
  const condition = conditionOf(trained)
  if (condition === null) return `Sample: shinsaku sample ${folder} -n 16 -o grid.png\n`
  const given = condition === 'mask' ? 'PICTURE MASK' : 'PICTURE'
  return `Sample: shinsaku ${conditions[condition].name} ${folder} ${given} -n 16 -o grid.png\n`
}

function report(
  saved: Saved,
  trained: Model['options'],
  resume: string | undefined,
  json: boolean,
  { stdout, stderr }: Pick<Io, 'stdout' | 'stderr'>,
): void {
  const { run, images } = saved
  const stopped = resume !== undefined
  stdout.write(json ? `${JSON.stringify(saved)}\n` : `${run}\n`)
  stderr.write(`${stopped ? 'Stopped and saved' : 'Done'} after ${formatCount(images)} images.\n`)
  stderr.write(nextLine(shellQuote(run), trained))
  if (stopped) stderr.write(`Resume: ${resume}\n`)
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

/** What a command follows: a run, or several that follow one another. */
type Followed = PromiseLike<Model> & AsyncIterable<Status>

type Following<R extends Followed> = {
  start(hooks: Required<Pick<TrainCall, 'signal' | 'onLog' | 'onPhase'>>): R
  /** The folder that is trained in now; undefined before there is one. */
  folderOf(run: R): string | undefined
  /** What stands before a status. */
  prefixOf?(status: Status): string
  /** The command that goes on from there. */
  resume(folder: string): string
}

async function trainNow(options: AnyTrainOptions, json: boolean, io: Io): Promise<number> {
  const { train } = await import('../index.ts')
  const following: Following<TrainingRun> = {
    // The line says how far reading has come; without onData the log would, too.
    start: (hooks) => train({ ...(options as TrainOptions), ...hooks, onData: () => {} }),
    folderOf: (run) => run.folder,
    resume: (folder) => `shinsaku train --resume ${shellQuote(folder)}`,
  }
  return follow(following, json, io)
}

/** Shows a run's progress until it ends, or is stopped and saved; resolves with the exit code. */
export async function follow<R extends Followed>(
  { start, folderOf, prefixOf = () => '', resume }: Following<R>,
  json: boolean,
  io: Io,
): Promise<number> {
  const { load } = await import('../index.ts')
  let folder: string | undefined
  let last: Status | undefined
  const reportSaved = async (stopped: boolean) => {
    const { images, options: trained } = await load(folder!)
    const run = formatPath(folder!)
    const accuracy = trained.model === 'classifier' ? { accuracy: last?.accuracy ?? null } : {}
    report({ run, images, ...accuracy }, trained, stopped ? resume(run) : undefined, json, io)
    return exitCodes.done
  }
  const textOf = (status: Status, age = 0) => `${prefixOf(status)}${formatStatus(status, age)}`
  const work = async ({ signal, progress }: Stoppable) => {
    const lines = new JsonLines(io)
    const phaseLine = new PhaseLine()
    const run = start({
      signal,
      onLog: (line) => progress.log(line),
      onPhase: (phase) => {
        phaseLine.update(phase)
        progress.update(() => phaseLine.text())
      },
    })
    try {
      for await (const status of run) {
        last = status
        const at = performance.now()
        progress.update(() => textOf(status, (performance.now() - at) / 1000))
        if (json) lines.add(status)
      }
      await run
    } finally {
      folder = folderOf(run)
      // What stays is where the run stands, not its last phase.
      if (last) progress.update(textOf(last))
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
