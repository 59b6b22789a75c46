/** Opens a trained model: a run folder's newest complete checkpoint, one checkpoint folder, or a PyTorch file. */
import { stat } from 'node:fs/promises'
import { toSpec } from '../backend/placement.ts'
import { placeKnown } from '../backend/select.ts'
import { readWeights } from '../checkpoint/read.ts'
import { modelFile } from '../checkpoint/records.ts'
import { isLabelState, isSamplingWeight, type Weights, weightNames } from '../checkpoint/state-names.ts'
import { requireFinite } from '../convert/import/finite.ts'
import { type ImportOptions, openImported } from '../convert/import/open.ts'
import { requireNoHubName } from '../convert/import/pgan-hub.ts'
import { ShinsakuError, visible } from '../errors.ts'
import { measure } from '../files/read.ts'
import { definitionOf } from '../models/table.ts'
import type { Addon, HostTensor, Spec } from '../native/addon.ts'
import { loadNative } from '../native/load.ts'
import { resolveLoad } from '../options/resolve.ts'
import { locateTrained, requireFolder, type TrainedPlace, trainedOptions } from '../run/trained.ts'
import type { SafetensorsReader } from '../safetensors/safetensors.ts'
import { type LoadOptions, Model } from './model.ts'

type Network = { addon: Addon; spec: Spec }

/**
 * Throws CHECKPOINT_MISMATCH where the options describe more weights than the file has: a network is not allocated
 * before it is known to fit.
 */
async function requireStored(
  { addon, spec }: Network,
  path: string,
  infos: readonly { shape: readonly number[] }[],
): Promise<void> {
  const { layers } = await addon.describe(spec)
  const wanted = layers
    .filter(({ name }) => isSamplingWeight(name))
    .reduce((sum, { parameters }) => sum + parameters, 0)
  const stored = infos.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0)
  if (wanted > stored)
    throw new ShinsakuError(
      'CHECKPOINT_MISMATCH',
      `The options of ${path} describe a network of ${wanted} weights, but it holds ${stored}`,
    )
}

type OpenPlace = { place: TrainedPlace; stored: SafetensorsReader }

/** Whether a failure is of a checkpoint that is not there any more. */
async function isGone(error: unknown): Promise<boolean> {
  const failures = [error, (error as Error).cause].filter((one) => one instanceof ShinsakuError)
  const folders = failures.map(({ details }) => details.folder).filter((folder) => typeof folder === 'string')
  const there = await Promise.all(folders.map((folder) => stat(folder).catch(() => undefined)))
  return there.includes(undefined)
}

/** A run that trains on deletes old checkpoints; it cannot save so often that a new one is missed many times. */
const MAX_TRIES = 5

/** The checkpoint that a path means, verified, with its weights open: the run may delete it from now on. */
async function openPlace(path: string, at: ReturnType<typeof resolveLoad>['at']): Promise<OpenPlace> {
  for (let tries = 1; ; tries++) {
    try {
      const place = await locateTrained(path, at)
      return { place, stored: (await readWeights(place.folder, place.manifest)).model }
    } catch (error) {
      if (tries === MAX_TRIES || !(await isGone(error))) throw error
    }
  }
}

async function readTensors(
  network: Network,
  { place: { folder }, stored: file }: OpenPlace,
  weights: Weights,
): Promise<HostTensor[]> {
  const infos = new Map(file.tensors.map((info) => [info.name, info]))
  const tensors: HostTensor[] = []
  const names = weightNames([...infos.keys()].filter(isSamplingWeight), weights)
  await requireStored(
    network,
    folder,
    names.map(({ stored }) => infos.get(stored)!),
  )
  for (const { stored, name } of names) {
    tensors.push({ ...infos.get(stored)!, name, bytes: await file.read(stored) })
  }
  return tensors
}

/** Tensors of one kind of weights in a file that `openImported()` knows. */
async function readImported(
  network: Network,
  path: string,
  options: ImportOptions,
  weights: Weights,
): Promise<HostTensor[]> {
  const { tensors, close } = await openImported([path], options, 'sample')
  try {
    const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
    const names = weightNames([...byName.keys()].filter(isSamplingWeight), weights)
    await requireStored(
      network,
      path,
      names.map(({ stored }) => byName.get(stored)!),
    )
    const read: HostTensor[] = []
    for (const { stored, name } of names) {
      const { dtype, shape, read: readBytes } = byName.get(stored)!
      const bytes = await readBytes()
      await requireFinite({ name: stored, dtype }, bytes, `${visible(path)} cannot be sampled with`)
      read.push({ name, dtype, shape: [...shape], bytes })
    }
    return read
  } finally {
    await close()
  }
}

/** A model whose weights are in a file of a PyTorch program. */
async function openFile(path: string, { device, threads, ...given }: LoadOptions & ImportOptions): Promise<Model> {
  const placed = resolveLoad({ device, threads })
  const { options, images, close } = await openImported([path], given, 'sample')
  await close()
  const native = await loadNative()
  const { addon } = native
  const placement = await placeKnown(native, { ...options, device: placed.device, threads: placed.threads })
  const spec = toSpec(options, placement)
  return new Model({
    options,
    placement,
    images,
    imagesPerUpdate: definitionOf(options.model).imagesPerUpdate(options),
    run: path,
    digest: async () => (await measure(path)).sha256,
    inferenceModel: async (weights) =>
      addon.inferenceModel(spec, await readImported({ addon, spec }, path, given, weights)),
  })
}

/** What `load()` promises, for a path that is a string. */
export async function openModel(path: string, options: LoadOptions & ImportOptions): Promise<Model> {
  if ((await stat(path).catch(() => undefined))?.isFile()) return openFile(path, options)
  await requireNoHubName(path)
  // What is there says which options there are: those of a PyTorch file are not those of a run.
  await requireFolder(path)
  const resolved = resolveLoad(options)
  const opened = await openPlace(path, resolved.at)
  try {
    return await modelOf(opened, resolved)
  } catch (error) {
    await opened.stored.close()
    throw error
  }
}

async function modelOf(opened: OpenPlace, { device, threads, exact }: ReturnType<typeof resolveLoad>): Promise<Model> {
  const { place, stored } = opened
  const all = await trainedOptions(place.run)
  // A checkpoint from before a run was given labels knows none.
  const isTold = definitionOf(all.model).classifies || stored.tensors.some(({ name }) => isLabelState(name))
  const trained = isTold ? all : { ...all, labels: null }
  const native = await loadNative()
  const { addon } = native
  const placement = await placeKnown(native, { ...trained, device, threads, exact: exact || trained.exact })
  const spec = toSpec(trained, placement)
  return new Model({
    options: trained,
    placement,
    images: place.manifest.images,
    ...(place.note !== undefined && { note: place.note }),
    imagesPerUpdate: definitionOf(trained.model).imagesPerUpdate(trained),
    run: place.run,
    digest: async () => place.manifest.files[modelFile].sha256,
    inferenceModel: async (weights) => addon.inferenceModel(spec, await readTensors({ addon, spec }, opened, weights)),
    // Open rather than read at once: most use one kind of the weights, and some none.
    close: () => void stored.close().catch(() => {}),
  })
}
