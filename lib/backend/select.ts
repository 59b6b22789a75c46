/** How a run is computed on a GPU: what was found there for such a network, kept in the user's cache. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../files/read.ts'
import { makeFolderDurable, toJson, writeDurable } from '../files/write.ts'
import { definitionOf, models } from '../models/table.ts'
import type { Loaded } from '../native/load.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { userCacheFolder } from '../system/cache.ts'
import { version } from '../system/version.ts'
import { resolveDevice } from './device.ts'
import { type Placement, placeOn } from './placement.ts'
import { fastestOf, formatTrials, reference, runTrials, type Trial } from './trial.ts'

const record = z.object({
  gpu: z.string(),
  tried: z.array(
    z.object({
      ops: z.string(),
      graph: z.boolean(),
      milliseconds: z.number().nullable(),
      distance: z.number().nullable(),
      bound: z.number().nullable(),
      problem: z.string().nullable(),
    }),
  ),
})

/** What decides about the work of an update, beside the options of the model itself. */
const decisive: readonly (keyof ResolvedTrainOptions)[] = [
  ...(['model', 'size', 'channels', 'batch', 'accumulate', 'clipGradNorm', 'emaDecay'] as const),
  ...(['deterministic', 'flip'] as const),
]

const driverVersion = (): string => {
  try {
    return readFileSync('/proc/driver/nvidia/version', 'utf8').split('\n', 1)[0]!
  } catch {
    return 'unknown'
  }
}

function recordPath({ libtorch, cudaName }: Loaded, options: ResolvedTrainOptions, placement: Placement): string {
  const { threads: _, ...where } = placement
  const names = [...decisive, ...Object.keys(models[options.model].specs)]
  const work = names.map((name) => [name, (options as Readonly<Record<string, unknown>>)[name]])
  const key = JSON.stringify([version, libtorch.version, cudaName, driverVersion(), where, work])
  return join(userCacheFolder(), 'gpu', `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`)
}

/** What was found for such a run earlier; undefined where nothing was, or where the record cannot be read. */
async function recorded(path: string): Promise<Trial[] | undefined> {
  return readJson(path, record).then(
    ({ tried }) => tried,
    () => undefined,
  )
}

async function keep(path: string, gpu: string, tried: readonly Trial[]): Promise<void> {
  await makeFolderDurable(join(userCacheFolder(), 'gpu'))
  await writeDurable(path, toJson({ gpu, tried }))
}

/**
 * The placement with the fastest backend that agrees with the reference on this GPU. The first run of its kind tries
 * them all, which takes some seconds and is reported to `log`; without one only what is on record counts.
 */
export async function selectBackend(
  native: Loaded,
  options: ResolvedTrainOptions,
  placement: Placement,
  log?: (line: string) => void,
): Promise<Placement> {
  if (placement.device === 'cpu' || options.exact || !(await native.addon.info()).cudaKernels) return placement
  const path = recordPath(native, options, placement)
  let tried = await recorded(path)
  if (!tried && log) {
    log(`Tried the backends for this network on ${native.cudaName}; the result is kept for the next run:`)
    tried = await runTrials(native.addon, options, placement, definitionOf(options.model).canReplay(options))
    for (const line of formatTrials(tried)) log(`  ${line}`)
    // Without the record the next run tries again.
    await keep(path, native.cudaName, tried).catch((error) => log(`Warning: ${(error as Error).message}`))
  }
  const backend = tried ? fastestOf(tried) : reference
  return { ...placement, ...backend, samplingOps: backend.ops }
}

/** Where these options are computed and with what, as far as it is known without trying anything. */
export async function placeKnown(native: Loaded, options: ResolvedTrainOptions): Promise<Placement> {
  const device = await resolveDevice(options.device)
  return selectBackend(native, options, placeOn(device, options, (await native.addon.info()).cpuOps))
}
