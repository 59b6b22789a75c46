/** A run that goes on: its trainer and its records brought to its newest complete checkpoint. */
import type { Placement } from '../backend/placement.ts'
import { readDatasetFiles } from '../run/dataset-record.ts'
import { awaitsData, isImported, openRunDirectory, type RunDirectory, readTrainedWith } from '../run/directory.ts'
import { datasetFile } from '../run/names.ts'
import { initMissingLabels, initMissingState } from './init-missing-state.ts'
import { startAtZero } from './new-run.ts'
import { type Hooks, type OpenTrainer, openTrainer, planPlacement } from './open-trainer.ts'
import { lacksPreview, writeReals } from './previews.ts'
import { restore } from './restore.ts'
import type { Resumed } from './resume-options.ts'
import { comparePictures } from './resume-pictures.ts'
import type { RunLog } from './run-log.ts'
import { type SessionDeps, type SessionStart, sessionDeps } from './session-deps.ts'

/** What a session needs to go on with a run. */
export async function resumeRun(resumed: Resumed, hooks: Hooks): Promise<SessionDeps> {
  const { run, options } = resumed
  const { placement, note } = await placementOnResume(run, options.allowChanges, await planPlacement(options, hooks))
  const { processes } = await readTrainedWith(run).catch(() => ({ processes: undefined }))
  const recorded = (await awaitsData(run)) ? undefined : await readDatasetFiles(datasetFile(run))
  const opened = await openTrainer(options, placement, hooks, recorded)
  return sessionDeps(opened, hooks, {
    spaceIn: run,
    openDirectory: () => openRunDirectory(run),
    start: (directory, runLog) => {
      if (note) runLog.log(note)
      if (processes !== undefined && processes !== opened.processes)
        runLog.log(`Changed: processes: ${processes} then, ${opened.processes} now; the same but for rounding`)
      return startAtCheckpoint(resumed, opened, directory, runLog)
    },
  })
}

/**
 * The placement of a run that goes on. One that was trained with the reference's operations stays with them, unless
 * "exact" may differ: it would no longer be the run of the program that it follows.
 */
async function placementOnResume(
  run: string,
  allowChanges: readonly string[] | null,
  placement: Placement,
): Promise<{ placement: Placement; note: string | undefined }> {
  // What a GPU computes with is for its self-check to say.
  if (placement.device !== 'cpu') return { placement, note: undefined }
  // An imported run, and one that never began, has no record.
  const before = (await readTrainedWith(run).catch(() => placement)).ops
  if (before === placement.ops) return { placement, note: undefined }
  if (before !== 'reference' || allowChanges?.includes('exact'))
    return { placement, note: `Changed: operations that train: ${before} then, ${placement.ops} now` }
  return {
    placement: { ...placement, ops: before },
    note: `This run was trained with the reference's operations and stays with them; to go on with ${placement.ops}, which are faster, allow "exact" to differ.`,
  }
}

/** The newest checkpoint, or zero where there is none. What is on record changes only after all of it fits. */
async function startAtCheckpoint(
  { run, options, changes }: Resumed,
  opened: OpenTrainer,
  directory: RunDirectory,
  runLog: RunLog,
): Promise<SessionStart> {
  const { trainer, data } = opened
  const log = (line: string) => runLog.log(line)
  const meetsData = await awaitsData(run)
  const otherData = meetsData ? undefined : await comparePictures(directory, data.manifest, options.allowChanges)
  const state = await restore(run, trainer, {
    log,
    pictures: otherData?.trained ? 'other' : 'same',
    initMissing: (await isImported(run))
      ? (missing, images) => initMissingState(trainer, missing, images, log)
      : (missing) => initMissingLabels(trainer, missing, log),
  })
  for (const change of [...changes, ...(otherData ? [`pictures: ${otherData.change}`] : [])]) log(`Changed: ${change}`)
  if (!state) {
    log(`There is no checkpoint in ${run} yet: beginning at its start`)
    await directory.truncateRecords(-1)
    return startAtZero(directory, runLog, opened)
  }
  const tags = await directory.truncateRecords(state.images)
  if (otherData || meetsData) await directory.writeDataset(data.manifest)
  if (meetsData) await writeReals(directory, runLog, data)
  return { start: state, previewStart: await lacksPreview(directory, options, state.images, tags) }
}
