/** Opens files of a PyTorch program as a model: complete options, and tensors under the names they have here. */
import { isDeepStrictEqual } from 'node:util'
import { isAveraged } from '../../checkpoint/state-names.ts'
import { type Problem, throwIfAny } from '../../errors.ts'
import { resolveTrain } from '../../options/resolve.ts'
import type { AnyTrainOptions, ResolvedTrainOptions } from '../../options/types.ts'
import { findDcgan, isDcgan } from './dcgan.ts'
import { findDiffusion, isDiffusion } from './diffusion.ts'
import { findExportedGenerator, isOwnGenerator } from './generator.ts'
import { type Entry, type Found, openParts, type Parts, type Purpose } from './parts.ts'
import { findPgan, isPgan } from './pgan.ts'
import { requireNoHubName } from './pgan-hub.ts'
import { bytesOf, type State, unsupported } from './state.ts'

/** Options of an import: those of `train()` that are not about where a run is or goes on from. */
export type ImportOptions = Omit<AnyTrainOptions, 'data' | 'resume'> & {
  /** Images the network had seen; by default the file's steps times batch and accumulate. */
  images?: number | undefined
}

export type Imported = {
  options: ResolvedTrainOptions
  /** What the files said, what was assumed, and what they lack: one line each. */
  notes: readonly string[]
  images: number
  updates: number
  tensors: readonly Entry[]
  close(): Promise<void>
}

/** Options that shape the network or its training, and that neither file nor caller may have named. */
const assumable = ['size', 'objective', 'loss', 'batch', 'accumulate', 'clipGradNorm', 'emaDecay', 'emaEvery'] as const

function listNames(state: State): string {
  const names = [...state.keys()]
  return `${names.slice(0, 5).join(', ')}${names.length > 5 ? `, ... (${names.length})` : ''}`
}

/** What the files hold. */
async function find(
  files: readonly Parts[],
  given: Readonly<Record<string, unknown>>,
  purpose: Purpose,
): Promise<Found> {
  const [first, ...more] = files
  const states = [...first!.states.values()]
  const { exported } = first!
  if (exported && isOwnGenerator(exported.options)) return findExportedGenerator(first!, exported.options, purpose)
  if (states.some(isDcgan)) return findDcgan(files)
  if (states.some(isPgan)) {
    if (more.length > 0) throw unsupported(first!.path, 'is a PGAN, which is one file; only a DCGAN has two')
    return findPgan(first!)
  }
  const diffusion = first!.states.get('model') ?? first!.states.get('')
  if (diffusion && isDiffusion(diffusion)) {
    if (more.length > 0) throw unsupported(first!.path, 'is a diffusion model, which is one file; only a DCGAN has two')
    return findDiffusion(first!, given, purpose)
  }
  const names = [...first!.states].map(
    ([key, state]) => `${key === '' ? 'tensors' : JSON.stringify(key)} (${listNames(state)})`,
  )
  const others = (first!.root?.entries() ?? []).map(([key]) => JSON.stringify(String(key).slice(0, 40)))
  throw unsupported(
    first!.path,
    `holds no network that can be imported. Expected: "model" with init_conv, downs, ups (denoising-diffusion-pytorch) main.0.weight (netG.pth, netD.pth) or netG with formatLayer (pytorch_GAN_zoo). Came: ${names.join('; ') || others.slice(0, 5).join(', ') || 'nothing'}`,
  )
}

/** The files' facts over what is given, over what the files suggest, over what the run had that was exported. Throws OPTION_INVALID where the first two disagree. */
function combine(
  { facts, settings }: Found,
  exported: Readonly<Record<string, unknown>>,
  given: Readonly<Record<string, unknown>>,
): ResolvedTrainOptions {
  const asked = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const problems: Problem[] = Object.entries(asked).flatMap(([path, value]) =>
    path in facts && !isDeepStrictEqual(value, facts[path])
      ? [{ path, message: `is ${JSON.stringify(facts[path])} in the file, but ${JSON.stringify(value)} was given` }]
      : [],
  )
  for (const name of ['data', 'resume'])
    if (name in asked)
      problems.push({ path: name, message: 'is given to train() when it goes on with the imported run' })
  throwIfAny(problems)
  // Of an import nobody knows which pictures it was trained on: holding some out would promise too much.
  return resolveTrain({ ...exported, holdout: 0, ...settings, ...asked, ...facts } as AnyTrainOptions)
}

/** What was neither in the files nor given. */
function assumptions({ facts, settings }: Found, given: object, options: ResolvedTrainOptions): string[] {
  const taken = assumable.filter(
    (name) => options[name] !== undefined && ![facts, settings, given].some((known) => name in known),
  )
  if (taken.length === 0) return []
  return [
    `Not in the file, so the default is taken: ${taken.map((name) => `${name} ${JSON.stringify(options[name])}`).join(', ')}.`,
  ]
}

/** Tensors that share their elements would make a small file a large model; half precision doubles when it is read. */
function requireOwnBytes(files: readonly Parts[], tensors: readonly Entry[]): void {
  const stored = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const needed = tensors.reduce((sum, entry) => sum + (entry.copied ? 0 : bytesOf(entry)), 0)
  if (needed > 2 * stored)
    throw unsupported(files[0]!.path, `has tensors that share their elements: ${needed} bytes of them in ${stored}`)
}

/**
 * Opens one file, or two for a DCGAN, and says what they are. Tensors are read when they are asked for.
 * Throws FILE_FAILED, PYTORCH_INVALID, PICKLE_REFUSED, SAFETENSORS_INVALID, IMPORT_UNSUPPORTED, OPTION_INVALID.
 */
export async function openImported(
  paths: readonly string[],
  { images, ...given }: ImportOptions,
  purpose: Purpose = 'train',
): Promise<Imported> {
  const files: Parts[] = []
  const close = async () => {
    await Promise.all(files.map((file) => file.close()))
  }
  try {
    for (const path of paths) {
      await requireNoHubName(path)
      files.push(await openParts(path))
    }
    const found = await find(files, given, purpose)
    const { options: stored, images: stated } = files[0]!.exported ?? { options: {}, images: undefined }
    const options = combine(found, stored, given)
    if (images !== undefined && !(Number.isSafeInteger(images) && images >= 0))
      throwIfAny([{ path: 'images', message: `expected an integer from 0 up, but got ${JSON.stringify(images)}` }])
    const seen = found.updates * options.batch * options.accumulate
    const tensors = found.tensors.filter(({ name }) => options.emaDecay !== null || !isAveraged(name))
    requireOwnBytes(files, tensors)
    const counted =
      images === undefined && found.updates > 0 ? [`${found.updates} updates count as ${seen} images.`] : []
    const notes = [...found.notes, ...assumptions(found, { ...stored, ...given }, options), ...counted]
    return { options, notes, images: images ?? stated ?? found.images ?? seen, updates: found.updates, tensors, close }
  } catch (error) {
    await close()
    throw error
  }
}
