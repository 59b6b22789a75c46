/** How a process that is not rank 0 begins: rank 0's options and operations, its own pictures and device. */
import { hostname } from 'node:os'
import { resolveDevice } from '../../backend/device.ts'
import type { Placement } from '../../backend/placement.ts'
import { loadDataset } from '../../data/dataset.ts'
import type { Loaded } from '../../native/load.ts'
import { withAbsolutePaths } from '../../options/paths.ts'
import { resolveTrain } from '../../options/resolve.ts'
import type { ResolvedTrainOptions, TrainOptions } from '../../options/types.ts'
import { makeTrainer } from '../make-trainer.ts'
import type { Hooks } from '../open-trainer.ts'
import { FollowerSession } from './follower.ts'
import type { Group } from './group.ts'
import { agreeOnPictures, type StartRecord, sharedThreads } from './start.ts'

/** Rejects as train() does before its first update, and with PROCESSES_DIFFER, PROCESS_LOST. */
export async function openFollower(
  group: Group,
  native: Loaded,
  given: TrainOptions,
  from: string | undefined,
  { signal }: Pick<Hooks, 'signal'>,
): Promise<FollowerSession> {
  const own = withAbsolutePaths(resolveTrain(given), from)
  const theirs = await group.wait<ResolvedTrainOptions>('plan', signal)
  const { device, pixelStore } = own
  const threads = sharedThreads(own.threads, group.launch)
  const options = { ...theirs, device, threads, pixelStore, data: given.data === undefined ? theirs.data : own.data }
  // One process of each machine decodes; the others find the cache full.
  if (group.launch.localRank > 0) await group.wait(`decoded/${hostname()}`, signal)
  const data = await loadDataset(options, signal ? { signal } : {})
  try {
    await group.tell(`decoded/${hostname()}`, true)
    const placedOn = await resolveDevice(device)
    await agreeOnPictures(group, data, placedOn, signal)
    const { placement, folder } = await group.wait<StartRecord>('start', signal)
    const mine: Placement = { ...placement, device: placedOn, threads }
    const trainer = await makeTrainer(native, { ...options, labels: data.labels }, mine, data, group.native)
    return new FollowerSession({ group, trainer, data, folder, signal, device, threads })
  } catch (error) {
    await data.store.close()
    throw error
  }
}
