/** Writes what files of a PyTorch program hold as a run folder, from which training goes on. */
import { basename, extname, join } from 'node:path'
import { optionsDigest } from '../../checkpoint/records.ts'
import { saveCheckpoint } from '../../checkpoint/save.ts'
import { measure } from '../../files/read.ts'
import { remove, toJson, writeDurable } from '../../files/write.ts'
import { withAbsolutePaths } from '../../options/paths.ts'
import type { ResolvedTrainOptions } from '../../options/types.ts'
import { createRunDirectory, importedFile, runName } from '../../run/directory.ts'
import { requireFinite } from './finite.ts'
import { type Imported, type ImportOptions, openImported } from './open.ts'
import { readAs } from './state.ts'

export type ImportCall = ImportOptions & {
  /** Receives each line about what the files said and what was assumed. */
  onLog?: ((line: string) => void) | undefined
}

export type ImportedRun = {
  /** The new run folder. */
  run: string
  options: ResolvedTrainOptions
  images: number
  notes: readonly string[]
}

const resumeNote = ({ seed }: ResolvedTrainOptions) =>
  `Such files hold no generator states and no data order: going on begins both anew from seed ${seed}, as a new Python process would.`

async function write(run: string, imported: Imported): Promise<void> {
  const byName = new Map(imported.tensors.map((entry) => [entry.name, entry]))
  await saveCheckpoint(run, {
    state: {
      images: imported.images,
      updates: imported.updates,
      epoch: 0,
      elapsedSeconds: 0,
      pending: { count: 0, sums: {} },
    },
    origin: { options: optionsDigest(imported.options), pictures: null },
    tensors: imported.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape: [...shape] })),
    async readTensor(name) {
      const entry = byName.get(name)!
      const bytes = await readAs(entry, entry.dtype)
      await requireFinite(entry, bytes, `The checkpoint at ${imported.images} images was not saved`)
      return bytes
    },
    keep: Number.POSITIVE_INFINITY,
  })
}

/**
 * What `importCheckpoint()` promises, for a list of paths; `from` is the folder that "out" is in. A failed import leaves
 * nothing behind.
 */
export async function importRun(
  paths: readonly string[],
  { onLog, ...given }: ImportCall,
  from: string | undefined,
): Promise<ImportedRun> {
  const imported = await openImported(paths, given, 'train')
  try {
    const { images } = imported
    const options = withAbsolutePaths(imported.options, from)
    const notes = [...imported.notes, resumeNote(options)]
    const files = await Promise.all(paths.map(async (path) => ({ name: basename(path), ...(await measure(path)) })))
    const [first] = files
    const name = runName(options.model, options.size, basename(first!.name, extname(first!.name)))
    const directory = await createRunDirectory(options.out, name)
    const { path: run } = directory
    let written = false
    try {
      const lines = [`Imported ${files.map((file) => file.name).join(' and ')} into ${run}`, ...notes]
      for (const line of lines) {
        onLog?.(line)
        await directory.appendLog(`${new Date().toISOString()} ${line}`)
      }
      await write(run, { ...imported, options })
      await writeDurable(join(run, importedFile), toJson({ format: 1, files, notes }))
      // Last: a folder without it is not a run.
      await directory.writeConfig(options)
      written = true
    } finally {
      await directory.close()
      if (!written) await remove(run).catch(() => {})
    }
    return { run, options, images, notes }
  } finally {
    await imported.close()
  }
}
