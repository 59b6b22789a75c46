/** The copy guard of a run that begins or goes on: over its trainer and its pictures, with what is on record. */
import { groupsOf } from '../evaluate/copies.ts'
import { withThreads } from '../native/with-threads.ts'
import type { RunDirectory } from '../run/directory.ts'
import { readGuardLooks } from '../run/guard-records.ts'
import { Guard } from './guard.ts'
import { GuardMeasure } from './guard-measure.ts'
import { liveModels } from './live-models.ts'
import type { Hooks, OpenTrainer } from './open-trainer.ts'
import type { RunLog } from './run-log.ts'

/** To be called once the records are those of where the run starts. Rejects with RUN_INVALID. */
export async function openGuard(
  opened: OpenTrainer,
  { signal }: Pick<Hooks, 'signal'>,
  directory: Pick<RunDirectory, 'path' | 'writeNearest'>,
  runLog: Pick<RunLog, 'log'>,
): Promise<Guard> {
  const { options, native, data, trainer } = opened
  const { path } = directory
  const measure = new GuardMeasure({
    options,
    addon: withThreads(native.addon, opened.placement.threads),
    trainer,
    store: data.store,
    heldOut: data.heldOut,
    groups: groupsOf(data.manifest.files),
    withModel: liveModels(opened, path),
    // A grid is not worth a look.
    saveNearest: (images, png) =>
      directory.writeNearest(images, png).catch((error: Error) => runLog.log(`Warning: ${error.message}`)),
    signal,
  })
  return new Guard({ options, measure, log: (line) => runLog.log(line), looks: await readGuardLooks(path) })
}
