/** `shinsaku sample`: pictures of a trained model, as one sheet or as files. */
import { extname } from 'node:path'
import { throwIfAny } from '../errors.ts'
import type { ImportOptions, LoadOptions, SampleOptions, SaveOptions } from '../index.ts'
import { loadGroups, sampleGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { formatCount } from './format.ts'
import type { Io } from './io.ts'
import { Progress } from './progress.ts'

type Values = Record<string, unknown>

const isSheet = (path: string) => ['.png', '.webp'].includes(extname(path).toLowerCase())

/** Where the pictures go: a sheet, a folder of files, or both. */
function targetsOf({ out, grid }: Values): { sheet: string | undefined; folder: string | undefined } {
  const target = out as string | undefined
  const sheet = grid as string | undefined
  if (target === undefined) return { sheet: sheet ?? 'grid.png', folder: undefined }
  if (!isSheet(target)) return { sheet, folder: target }
  if (sheet !== undefined)
    throwIfAny([
      { path: 'grid', message: `out is the sheet "${target}" already; give a folder as out, or leave grid out` },
    ])
  return { sheet: target, folder: undefined }
}

/** Draws and writes; prints the paths. */
export async function sampleCommand(run: string, flags: Values, json: boolean, io: Io): Promise<void> {
  const { sheet, folder } = targetsOf(flags)
  if (sheet !== undefined && !isSheet(sheet))
    throwIfAny([{ path: 'grid', message: `must end in .png or .webp, but is "${sheet}"` }])
  const options = valuesOf(sampleGroups(), flags) as SampleOptions
  const { load } = await import('../index.ts')
  const model = await load(run, valuesOf(loadGroups(), flags) as LoadOptions & ImportOptions)
  const progress = new Progress(io.stderr)
  try {
    const pictures = await model.sample({
      ...options,
      onProgress: (share) => progress.update(`drawing ${Math.floor(share * 100)}%`),
    })
    progress.end()
    const format = flags.format as SaveOptions['format']
    const paths = folder === undefined ? [] : await pictures.save(folder, format === undefined ? {} : { format })
    if (sheet !== undefined) await pictures.grid(sheet)
    const files = paths.map((path, index) => ({ path, seed: pictures.seeds[index] }))
    if (json)
      io.stdout.write(
        `${JSON.stringify({ run, images: model.images, grid: sheet ?? null, seeds: pictures.seeds, files })}\n`,
      )
    else io.stdout.write([...paths, ...(sheet === undefined ? [] : [sheet])].map((path) => `${path}\n`).join(''))
    io.stderr.write(`Drew ${formatCount(pictures.count)} with the model after ${formatCount(model.images)} images.\n`)
  } finally {
    progress.end()
    model.dispose()
  }
}
