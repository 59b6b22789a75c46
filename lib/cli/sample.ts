/** `shinsaku sample`: pictures of a trained model, as one grid, as files, or both in one pass. */
import { extname } from 'node:path'
import { throwIfAny } from '../errors.ts'
import type { PictureFormat } from '../images/encode.ts'
import type { ImportOptions, LoadOptions, Model, SampleCall, SampleJob, SampleOptions } from '../index.ts'
import { resolveSample } from '../options/resolve.ts'
import { type Group, loadGroups, sampleGroups } from '../options/value-kind.ts'
import { requireFolderName, requireTargets } from '../sampling/targets.ts'
import { weightsText } from '../sampling/weights.ts'
import { valuesOf } from './flags.ts'
import { formatCount } from './format.ts'
import { exitCodes, type Io } from './io.ts'
import { isAbort, STOPPING, type Stoppable, withStop } from './with-stop.ts'

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

/** What a call has come to: files that are durable, those of them that were there before, pictures of one colour. */
type Tally = { files: File[]; kept: number; sampled: number; flat: number }

/** Samples and writes; `tally` grows with each picture. */
async function write(
  model: Model,
  call: SampleCall,
  { grid, folder }: Targets,
  { format, overwrite, scale: given }: Values,
  tally: Tally,
  edit: Edit,
): Promise<void> {
  const scale = given === undefined ? {} : { scale: Number(given) }
  const job = edit.begin(model, {
    ...call,
    onPicture: ({ flat }) => {
      tally.sampled += 1
      if (flat) tally.flat += 1
    },
  })
  if (folder === undefined) {
    await job.grid(grid!, scale)
    return
  }
  await job.save(folder, {
    ...(format === undefined ? {} : { format: format as PictureFormat }),
    ...(grid === undefined ? {} : { grid, ...scale }),
    overwrite: overwrite === true,
    onFile: (path, seed, kept) => {
      tally.files.push({ path, seed })
      if (kept) tally.kept += 1
    },
  })
}

/** What was made of which pictures, and what is odd about them. */
function report({ files, kept, sampled, flat }: Tally, weights: string, images: number, { stderr }: Io): void {
  const there = kept === 0 ? '' : ` ${formatCount(kept)} of ${formatCount(files.length)} files were there already.`
  stderr.write(`Sampled ${formatCount(sampled)} with the ${weights} after ${formatCount(images)} images.${there}\n`)
  if (flat > 0)
    stderr.write(
      `Warning: ${formatCount(flat)} of ${formatCount(sampled)} are a single colour: the model has learned nothing yet, or has collapsed.\n`,
    )
}

/** What was written: the paths, or an object for programs. */
type Result = { run: string; images: number; grid: string | null; seeds: readonly number[]; files: readonly File[] }

function print(result: Result, json: boolean, { stdout }: Io): void {
  const paths = [...result.files.map(({ path }) => path), ...(result.grid === null ? [] : [result.grid])]
  stdout.write(json ? `${JSON.stringify(result)}\n` : paths.map((path) => `${path}\n`).join(''))
}

/** What is done with the model: the options it takes, how it begins, and what it costs beyond sampling. */
export type Edit = {
  groups: () => Group[]
  begin(model: Model, call: SampleCall): SampleJob
  /** Said beforehand. */
  cost?(values: Values, model: Model): string | undefined
}

const sampling: Edit = { groups: sampleGroups, begin: (model, call) => model.sample(call) }

/** Samples, or edits, and writes; prints the paths. Resolves with the exit code. */
export async function sampleCommand(
  run: string,
  flags: Values,
  json: boolean,
  io: Io,
  edit: Edit = sampling,
): Promise<number> {
  const targets = targetsOf(flags)
  await requireTargets(targets)
  const values = valuesOf(edit.groups(), flags)
  const options = valuesOf(sampleGroups(), flags) as SampleOptions
  const { load } = await import('../index.ts')
  const model = await load(run, valuesOf(loadGroups(), flags) as LoadOptions & ImportOptions)
  const { images, note } = model
  if (note !== undefined) io.stderr.write(`${note}\n`)
  const tally: Tally = { files: [], kept: 0, sampled: 0, flat: 0 }
  const { files } = tally
  let anyKept = false
  const work = async ({ signal, progress }: Stoppable) => {
    const { seeds, weights } = resolveSample(options, model.options)
    const sampled = weights === 'auto' ? model.autoWeights : weights
    const cost = edit.cost?.(values, model)
    if (cost !== undefined) io.stderr.write(`${cost}\n`)
    const call = {
      ...(values as SampleOptions),
      signal,
      onProgress: (share: number) => progress.update(`sampling ${Math.floor(share * 100)}%`),
    }
    try {
      await write(model, call, targets, flags, tally, edit)
    } catch (error) {
      // What is written stays, whatever ended the rest.
      progress.end()
      const finished = isAbort(error) && error.details.grid !== undefined ? error.details.finished : undefined
      const grid = finished === undefined ? null : (targets.grid ?? null)
      anyKept = files.length > 0 || grid !== null
      if (anyKept) print({ run, images, grid, seeds: files.map(({ seed }) => seed), files }, json, io)
      if (files.length > 0)
        io.stderr.write(
          `Not all were sampled; ${formatCount(files.length)} pictures are kept. The same command goes on with the rest.\n`,
        )
      if (grid !== null) io.stderr.write(`${grid} holds the ${formatCount(finished as number)} that were finished.\n`)
      throw error
    }
    progress.end()
    print({ run, images, grid: targets.grid ?? null, seeds, files }, json, io)
    report(tally, weightsText(sampled), images, io)
    return exitCodes.done
  }
  return withStop(io, STOPPING, work, (code) => {
    io.stderr.write(`Stopped${anyKept ? '' : '; nothing was written'}.\n`)
    return code
  }).finally(() => model.dispose())
}
