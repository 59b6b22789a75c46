/** `importCheckpoint()`, which brings in what reading files needs when it is called and no sooner. */
import { throwIfAny } from '../errors.ts'
import { absolutePath, workingFolder } from '../options/paths.ts'
import type { ImportCall, ImportedRun } from './import/write.ts'

const isPath = (path: unknown): path is string => typeof path === 'string' && path !== ''

/**
 * Makes a run folder of a PyTorch program's checkpoint: a file of denoising-diffusion-pytorch, netG.pth with or without
 * netD.pth of the DCGAN example, a PGAN of pytorch_GAN_zoo, or a safetensors file of the same names. Nothing in the files is executed.
 * Rejects with PYTORCH_INVALID, PICKLE_REFUSED, SAFETENSORS_INVALID, IMPORT_UNSUPPORTED, OPTION_INVALID, FILE_FAILED.
 */
export async function importCheckpoint(
  files: string | readonly string[],
  options: ImportCall = {},
): Promise<ImportedRun> {
  const paths = typeof files === 'string' ? [files] : files
  if (!Array.isArray(paths) || paths.length < 1 || paths.length > 2 || !paths.every(isPath))
    throwIfAny([
      { path: 'files', message: `expected the path of one file, or of two, but got ${JSON.stringify(files)}` },
    ])
  const from = workingFolder()
  const given = paths.map((path) => absolutePath(path, from))
  const { importRun } = await import('./import/write.ts')
  return importRun(given, options, from)
}
