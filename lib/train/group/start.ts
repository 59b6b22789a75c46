/** What the processes of a group settle before the first update, besides their options. */
import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import type { Placement } from '../../backend/placement.ts'
import type { Dataset } from '../../data/dataset.ts'
import type { Launch } from '../../distributed/environment.ts'
import { encodeAll } from '../../options/labels.ts'
import type { ResolvedTrainOptions } from '../../options/types.ts'
import { usableCpus } from '../../system/cpus.ts'
import { agree } from './agreement.ts'
import type { Group } from './group.ts'

/** Rank 0's, once its run folder is there. */
export type StartRecord = { placement: Placement; folder: string }

/** Options that may differ between processes: where things are, and what each machine has. */
const own = new Set(['data', 'out', 'resume', 'device', 'threads', 'pixelStore'])

/** Of the options as given, what must be the same everywhere. */
export const comparable = (given: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(given).filter(([name, value]) => !own.has(name) && value !== undefined))

/** Rank 0's part of the start, once it has read its pictures. */
export async function agreeWithOthers(
  group: Group,
  data: Dataset,
  { device }: Placement,
  signal: AbortSignal | undefined,
): Promise<void> {
  await group.tell(`decoded/${hostname()}`, true)
  await agreeOnPictures(group, data, device, signal)
}

/** A line of the run's log. */
export function groupText(
  { launcher, size }: Pick<Launch, 'launcher' | 'size'>,
  { batch }: Pick<ResolvedTrainOptions, 'batch'>,
): string {
  const each = batch % size === 0 ? `${batch / size}` : `${Math.floor(batch / size)} or ${Math.ceil(batch / size)}`
  return `Processes: ${size} (${launcher}); each computes ${each} of the ${batch} pictures of a batch`
}

/** Rejects with PROCESSES_DIFFER where processes have other pictures, or not all of them a GPU. */
export function agreeOnPictures(
  group: Group,
  { store, manifest, labels }: Pick<Dataset, 'store' | 'manifest' | 'labels'>,
  device: Placement['device'],
  signal: AbortSignal | undefined,
): Promise<void> {
  const facts = {
    count: store.count,
    digest: manifest.digest,
    labels: labels && createHash('sha256').update(encodeAll(labels, manifest.files)).digest('hex'),
    device: device === 'cpu' ? 'cpu' : 'cuda',
  }
  return agree(group, 'pictures', facts, signal)
}

/** Threads of a process that shares its machine. torchrun's OMP_NUM_THREADS=1 does not count: it would starve it. */
export const sharedThreads = (asked: number, { localSize }: Pick<Launch, 'localSize'>): number =>
  asked || Math.max(1, Math.floor(usableCpus() / localSize))
