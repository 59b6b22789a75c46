/** Opens a trained model: a run folder's newest complete checkpoint, or one checkpoint folder. */
import { stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { newestValidCheckpoint } from './checkpoint/find.ts'
import { readCheckpoint } from './checkpoint/read.ts'
import { type Manifest, positionOf } from './checkpoint/records.ts'
import { verifyCheckpoint } from './checkpoint/verify.ts'
import { ShinsakuError } from './errors.ts'
import { type LoadOptions, Model } from './model.ts'
import type { HostTensor } from './native/addon.ts'
import { resolveDevice } from './native/device.ts'
import { loadAddon } from './native/load.ts'
import { placeOn, toSpec } from './native/spec.ts'
import { resolveLoad, resolveTrain, type TrainOptions } from './options/resolve.ts'
import { readConfig } from './run/directory.ts'

const EMA = 'ema.'
// Counters of the average itself, not weights.
const emaCounters = new Set(['ema.step', 'ema.initted'])

/** Names that belong to one kind of weights, without the prefix that tells them apart in a checkpoint. */
function namesOf(names: readonly string[], weights: 'ema' | 'raw'): { stored: string; name: string }[] {
  if (weights === 'raw') return names.filter((name) => !name.startsWith(EMA)).map((name) => ({ stored: name, name }))
  return names
    .filter((name) => name.startsWith(EMA) && !emaCounters.has(name))
    .map((name) => ({ stored: name, name: name.slice(EMA.length) }))
}

async function readTensors({ folder, manifest }: Place, weights: 'ema' | 'raw'): Promise<HostTensor[]> {
  const checkpoint = await readCheckpoint(folder, manifest)
  try {
    const infos = new Map(checkpoint.model.tensors.map((info) => [info.name, info]))
    const tensors: HostTensor[] = []
    for (const { stored, name } of namesOf([...infos.keys()], weights)) {
      tensors.push({ ...infos.get(stored)!, name, bytes: await checkpoint.model.read(stored) })
    }
    return tensors
  } finally {
    await checkpoint.close()
  }
}

type Place = { run: string; folder: string; manifest: Manifest }

/** The run and the checkpoint that a path means, verified. */
async function locate(path: string): Promise<Place> {
  const known = await stat(path).catch(() => undefined)
  if (!known?.isDirectory()) {
    throw new ShinsakuError('RUN_NOT_FOUND', `${path} is not a folder`, {
      hint: 'Give the folder that train() made, such as runs/00000-diffusion-128-icons.',
    })
  }
  if (positionOf(basename(resolve(path))) !== undefined) {
    return { run: dirname(dirname(resolve(path))), folder: path, manifest: await verifyCheckpoint(path) }
  }
  return { run: path, ...(await newestValidCheckpoint(path)) }
}

/** What `load()` promises, for a path that is a string. */
export async function openModel(path: string, options: LoadOptions): Promise<Model> {
  const { device, threads, exact } = resolveLoad(options)
  const place = await locate(path)
  const trained = resolveTrain((await readConfig(place.run)) as TrainOptions)
  const addon = await loadAddon()
  await addon.setThreads(threads)
  const wanted = { precision: trained.precision, exact: exact || trained.exact }
  const placement = placeOn(await resolveDevice(device), wanted, (await addon.info()).cpuOps)
  return new Model({
    options: trained,
    placement,
    images: place.manifest.images,
    run: place.run,
    generator: async (weights) => addon.generator(toSpec(trained, placement), await readTensors(place, weights)),
  })
}
