/** How a run is computed on a GPU: what was found there for such a network, kept in the user's cache. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readJson } from '../files/read.ts'
import { makeFolderDurable, toJson, writeDurable } from '../files/write.ts'
import { version } from '../version.ts'
import { userCacheFolder } from './cache.ts'
import type { Loaded } from './load.ts'
import { type Placement, toSpec } from './spec.ts'
import { fastestOf, reference, type Tried, tellWays, tryWays } from './ways.ts'

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

/** Change nothing about what is computed in an update. */
const besides = ['seed', 'lr', 'lrSchedule', 'warmup', 'maxImages', 'snapshotImages', 'keep', 'previews', 'threads']

const driverVersion = (): string => {
  try {
    return readFileSync('/proc/driver/nvidia/version', 'utf8').split('\n', 1)[0]!
  } catch {
    return 'unknown'
  }
}

function recordPath({ libtorch, cudaName }: Loaded, options: object, placement: Placement): string {
  const spec = Object.entries(toSpec(options, placement)).filter(([key]) => !besides.includes(key))
  const key = JSON.stringify([version, libtorch.version, cudaName, driverVersion(), spec.sort()])
  return join(userCacheFolder(), 'gpu', `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`)
}

/** What was found for such a run earlier; undefined where nothing was, or where the record cannot be read. */
async function recorded(path: string): Promise<Tried[] | undefined> {
  return readJson(path, record).then(
    ({ tried }) => tried,
    () => undefined,
  )
}

async function keep(path: string, gpu: string, tried: readonly Tried[]): Promise<void> {
  await makeFolderDurable(join(userCacheFolder(), 'gpu'))
  await writeDurable(path, toJson({ gpu, tried }))
}

/** Whether there is a choice at all. */
export async function hasChoice({ addon }: Loaded, { device }: Placement, exact: boolean): Promise<boolean> {
  return device !== 'cpu' && !exact && (await addon.info()).cudaKernels
}

export type Checked = { options: object & { exact: boolean }; placement: Placement; canReplay: boolean }

/**
 * The placement with the fastest way that agrees with the reference on this GPU. The first run of its kind tries
 * them all, which takes some seconds and is told to `log`; without one only what is on record counts.
 */
export async function chooseWay(
  native: Loaded,
  { options, placement, canReplay }: Checked,
  log?: (line: string) => void,
): Promise<Placement> {
  if (!(await hasChoice(native, placement, options.exact))) return placement
  const path = recordPath(native, options, placement)
  let tried = await recorded(path)
  if (!tried && log) {
    log(`Tried how to train this network on ${native.cudaName}; the result is kept for the next run:`)
    tried = await tryWays(native.addon, options, placement, canReplay)
    for (const line of tellWays(tried)) log(`  ${line}`)
    // Without the record the next run tries again.
    await keep(path, native.cudaName, tried).catch((error) => log(`Warning: ${(error as Error).message}`))
  }
  const way = tried ? fastestOf(tried) : reference
  return { ...placement, ...way, samplingOps: way.ops }
}
