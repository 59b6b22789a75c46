/** `exportWeights()`: a run's weights as a safetensors file whose names the Python packages load without change. */
import { basename, dirname, join } from 'node:path'
import { type Problem, ShinsakuError, throwIfAny } from '../errors.ts'
import { absolutePath, workingFolder } from '../options/paths.ts'
import type { ExportOptions } from '../options/types.ts'

export type Exported = { path: string; weights: 'ema' | 'raw'; tensors: number; bytes: number }

const problemsOf = (path: unknown): Problem[] =>
  typeof path === 'string' && path.endsWith('.safetensors')
    ? []
    : [{ path: 'path', message: `must end in .safetensors, but is ${JSON.stringify(path)}` }]

/** Names in the file by those in the checkpoint: as the state dict of GaussianDiffusion, netG or netD has them. */
function renamed(
  names: readonly { stored: string; name: string }[],
  isGan: boolean,
  network: string,
): Map<string, string> {
  const prefix = `${network}.`
  const own = isGan ? names.filter(({ name }) => name.startsWith(prefix)) : names
  return new Map(own.map(({ stored, name }) => [isGan ? name.slice(prefix.length) : name, stored]))
}

/**
 * Writes the weights of a run's newest complete checkpoint (or of the checkpoint folder given) to `path`, which is
 * replaced once all is written. Rejects with OPTION_INVALID, RUN_NOT_FOUND, RUN_INVALID, CHECKPOINT_INVALID, DISK_FULL,
 * FILE_FAILED.
 */
export async function exportWeights(run: string, path: string, options: ExportOptions = {}): Promise<Exported> {
  const from = workingFolder()
  const { resolveExport } = await import('../options/resolve.ts')
  const { weights: asked, network } = resolveExport(options, problemsOf(path))
  const [
    { openTrained },
    { isTrainingState, weightNames },
    { writeSafetensors },
    { move, remove, syncFolder },
    { describeExported, exportedKey },
    { definitionOf },
  ] = await Promise.all([
    import('../run/trained.ts'),
    import('../checkpoint/state-names.ts'),
    import('../safetensors/safetensors.ts'),
    import('../files/write.ts'),
    import('./exported.ts'),
    import('../models/table.ts'),
  ])
  const { options: trained, checkpoint } = await openTrained(absolutePath(run, from))
  try {
    const isGan = trained.model !== 'diffusion' && !definitionOf(trained.model).classifies
    if (options.network !== undefined && !isGan)
      throwIfAny([{ path: 'network', message: `applies to GANs only, but model is "${trained.model}"` }])
    // Only the generator has an average.
    const averaged = trained.emaDecay !== null && network === 'generator'
    if (asked === 'ema' && !averaged)
      throwIfAny([{ path: 'weights', message: '"ema" is not in this model, which keeps no average of them' }])
    const weights = asked === 'raw' || !averaged ? 'raw' : 'ema'
    const infos = new Map(checkpoint.model.tensors.map((info) => [info.name, info]))
    const names = renamed(
      weightNames(
        [...infos.keys()].filter((name) => !isTrainingState(name)),
        weights,
      ),
      isGan,
      network,
    )
    if (names.size === 0)
      throw new ShinsakuError('CHECKPOINT_MISMATCH', `${run} has no ${network}; it was imported without one`)
    const tensors = [...names].map(([name, stored]) => ({ ...infos.get(stored)!, name }))
    const target = absolutePath(path, from)
    const temporary = join(dirname(target), `.tmp-${process.pid}-${basename(target)}`)
    try {
      const { bytes } = await writeSafetensors(
        temporary,
        tensors,
        (name) => checkpoint.model.read(names.get(name)!),
        // The format by which transformers and others tell whose tensors these are.
        { format: 'pt', [exportedKey]: describeExported({ ...trained }, checkpoint.state.images) },
      )
      await move(temporary, target)
      await syncFolder(dirname(target))
      return { path, weights, tensors: tensors.length, bytes }
    } catch (error) {
      await remove(temporary).catch(() => {})
      throw error
    }
  } finally {
    await checkpoint.close()
  }
}
