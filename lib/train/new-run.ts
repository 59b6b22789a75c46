/** A run from its first image: its folder, with the pictures it learns from on record. */
import { isTeacher } from '../options/teacher.ts'
import type { AnyTrainOptions, ResolvedTrainOptions } from '../options/types.ts'
import { createRunDirectory, type RunDirectory, runNameOf } from '../run/directory.ts'
import { type Hooks, type OpenTrainer, openTrainer, planPlacement } from './open-trainer.ts'
import { planRun } from './plan-run.ts'
import { writeReals } from './previews.ts'
import type { RunLog } from './run-log.ts'
import { type SessionDeps, type SessionStart, sessionDeps } from './session-deps.ts'
import { loadTeacher } from './teacher.ts'

/** What a session needs to train a new run. What fails before its folder is made leaves nothing behind. */
export async function newRun(given: AnyTrainOptions, asked: ResolvedTrainOptions, hooks: Hooks): Promise<SessionDeps> {
  const { options, lines } = await planRun(given, asked, hooks)
  const opened = await openTrainer(options, await planPlacement(options, hooks), hooks)
  return sessionDeps({ ...opened, findings: [...lines, ...opened.findings] }, hooks, {
    spaceIn: options.out,
    openDirectory: () => createRunDirectory(options.out, runNameOf(options)),
    start: (directory, runLog) => startAtZero(directory, runLog, opened),
  })
}

/** The start of a run that has no checkpoint: its data goes on record. */
export async function startAtZero(
  directory: RunDirectory,
  runLog: RunLog,
  { data, options, trainer }: OpenTrainer,
): Promise<SessionStart> {
  if (isTeacher(options.teacher)) runLog.log(await loadTeacher(trainer, options.teacher))
  await directory.writeDataset(data.manifest)
  await writeReals(directory, runLog, data)
  const start = { images: 0, updates: 0, epoch: 0, elapsedSeconds: 0, pending: { count: 0, sums: {} } }
  return { start, previewStart: true }
}
