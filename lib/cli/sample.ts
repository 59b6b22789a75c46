/** `shinsaku sample`: pictures of a trained model, as one grid, as files, or both in one pass. */
import { extname } from 'node:path'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import type { ImportOptions, LoadOptions, Model, SampleCall, SampleOptions, SaveOptions } from '../index.ts'
import { resolveSample } from '../options/resolve.ts'
import { loadGroups, sampleGroups } from '../options/value-kind.ts'
import { requireFolderName, requireTargets } from '../sampling/targets.ts'
import { valuesOf } from './flags.ts'
import { formatCount } from './format.ts'
import { exitCodes, type Io, onStopSignals, type StopSignal } from './io.ts'
import { Progress } from './progress.ts'

type Values = Record<string, unknown>

const isGrid = (path: string) => ['.png', '.webp'].includes(extname(path).toLowerCase())

/** Where the pictures go: a grid, a folder of files, or both. */
type Targets = { grid: string | undefined; folder: string | undefined }

function targetsOf({ out, grid: given }: Values): Targets {
  const target = out as string | undefined
  const grid = given as string | undefined
  if (grid !== undefined && !isGrid(grid))
    throwIfAny([{ path: 'grid', message: `must end in .png or .webp, but is "${grid}"` }])
  if (target === undefined) return { grid: grid ?? 'grid.png', folder: undefined }
  if (!isGrid(target)) {
    requireFolderName(target, 'out')
    return { grid, folder: target }
  }
  if (grid !== undefined)
    throwIfAny([
      { path: 'grid', message: `out is the grid "${target}" already; give a folder as out, or leave grid out` },
    ])
  return { grid: target, folder: undefined }
}

type File = { path: string; seed: number }

/** Samples and writes; `files` grows with each file that is durable. */
async function write(
  model: Model,
  call: SampleCall,
  { grid, folder }: Targets,
  format: SaveOptions['format'],
  files: File[],
): Promise<void> {
  const job = model.sample(call)
  if (folder === undefined) {
    await job.grid(grid!)
    return
  }
  await job.save(folder, {
    ...(format === undefined ? {} : { format }),
    ...(grid === undefined ? {} : { grid }),
    onFile: (path, seed) => files.push({ path, seed }),
  })
}

/** What was written: the paths, or an object for programs. */
type Result = { run: string; images: number; grid: string | null; seeds: readonly number[]; files: readonly File[] }

function print(result: Result, json: boolean, { stdout }: Io): void {
  const paths = [...result.files.map(({ path }) => path), ...(result.grid === null ? [] : [result.grid])]
  stdout.write(json ? `${JSON.stringify(result)}\n` : paths.map((path) => `${path}\n`).join(''))
}

/** Samples and writes; prints the paths. Resolves with the exit code. */
export async function sampleCommand(run: string, flags: Values, json: boolean, io: Io): Promise<number> {
  const targets = targetsOf(flags)
  await requireTargets(targets)
  const options = valuesOf(sampleGroups(), flags) as SampleOptions
  const { load } = await import('../index.ts')
  const model = await load(run, valuesOf(loadGroups(), flags) as LoadOptions & ImportOptions)
  const { images } = model
  const progress = new Progress(io.stderr)
  const abort = new AbortController()
  let stoppedBy: StopSignal | undefined
  const undo = onStopSignals(io, (signal) => {
    stoppedBy = signal
    progress.log('Stopping. Another signal ends at once.')
    abort.abort()
  })
  const files: File[] = []
  try {
    const { seeds, weights } = resolveSample(options, model.options)
    const averaged = (weights === 'auto' ? model.autoWeights : weights) === 'ema'
    const call = {
      ...options,
      signal: abort.signal,
      onProgress: (share: number) => progress.update(`sampling ${Math.floor(share * 100)}%`),
    }
    await write(model, call, targets, flags.format as SaveOptions['format'], files)
    progress.end()
    print({ run, images, grid: targets.grid ?? null, seeds, files }, json, io)
    io.stderr.write(
      `Sampled ${formatCount(seeds.length)} with the ${averaged ? 'averaged' : 'latest'} weights after ${formatCount(images)} images.\n`,
    )
    return exitCodes.done
  } catch (error) {
    progress.end()
    if (files.length > 0) {
      print({ run, images, grid: null, seeds: files.map(({ seed }) => seed), files }, json, io)
      io.stderr.write(`Not all were sampled; ${formatCount(files.length)} pictures are kept.\n`)
    }
    if (!stoppedBy || !(error instanceof ShinsakuError) || error.code !== 'ABORT_ERR') throw error
    io.stderr.write(`Stopped${files.length > 0 ? '' : '; nothing was written'}.\n`)
    return exitCodes[stoppedBy]
  } finally {
    undo()
    model.dispose()
  }
}
