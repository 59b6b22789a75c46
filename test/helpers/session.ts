/** A session over a trainer, a log and a disk that only count. */

import type { Metrics, NativeTrainer } from '../../lib/native/addon.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import type { Model } from '../../lib/sampling/model.ts'
import { Session } from '../../lib/train/session.ts'
import type { SessionDeps } from '../../lib/train/session-deps.ts'
import type { Status } from '../../lib/train/status.ts'

/** A trainer whose update sees `batch` images of a set of 10, the last of an epoch fewer. */
function fakeTrainer(batch: number, start = 0, fail?: (images: number) => Error | undefined) {
  let images = start
  let epochLeft = start % 10 === 0 ? 0 : 10 - (start % 10)
  const units: number[] = []
  /** As loading a checkpoint does. */
  const reset = (to: number) => {
    images = to
    epochLeft = to % 10 === 0 ? 0 : 10 - (to % 10)
  }
  const trainer = {
    async step(updates: number): Promise<Metrics> {
      units.push(updates)
      const metrics = { images: [] as number[], epoch: [] as number[], loss: [] as number[] }
      for (let i = 0; i < updates; i++) {
        if (epochLeft === 0) epochLeft = 10
        const count = Math.min(batch, epochLeft)
        images += count
        epochLeft -= count
        const error = fail?.(images)
        if (error) throw error
        metrics.images.push(images)
        metrics.epoch.push(Math.ceil(images / 10) - 1)
        metrics.loss.push(1 / images)
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
      return metrics
    },
  } as unknown as NativeTrainer
  return { trainer, units, reset }
}

type Seen = {
  attempts: number[]
  /** Where the learning rate's course was told to end, and what was put on record at the end. */
  ends: number[]
  recorded: number[]
  logged: string[]
  saved: number[]
  previews: number[]
  lines: Status[]
  guarded: number[]
  statuses: Status[]
  closed: number
}

export function makeSession(
  options: AnyTrainOptions,
  {
    start = 0,
    fail,
    ...more
  }: Partial<Omit<SessionDeps, 'start'>> & { start?: number; fail?: (images: number) => Error | undefined } = {},
) {
  const resolved = resolveTrain({ size: 16, batch: 4, dimMults: [1], checkpointImages: 1e7, ...options })
  const { trainer, units, reset } = fakeTrainer(resolved.batch, start, fail)
  const seen: Seen = {
    attempts: [],
    ends: [],
    recorded: [],
    logged: [],
    saved: [],
    previews: [],
    lines: [],
    guarded: [],
    statuses: [],
    closed: 0,
  }
  const deps: SessionDeps = {
    folder: 'run',
    begunAt: performance.now(),
    endAt: (images) => seen.ends.push(images),
    recordEnd: async (images) => {
      seen.recorded.push(images)
    },
    options: resolved,
    step: (updates) => trainer.step(updates),
    placement: {
      device: 'cpu',
      precision: 'fp32',
      ops: 'reference',
      graph: false,
      samplingOps: 'reference',
      threads: 1,
    },
    computing: { ops: 'reference', graph: false, precision: 'fp32' },
    runLog: {
      log: (line: string) => seen.logged.push(line),
      record: (status: Status) => seen.lines.push(status),
      recordGuard: ({ images }) => seen.guarded.push(images),
    },
    imagesPerUpdate: resolved.batch,
    mainLoss: 'loss',
    guard: null,
    validation: null,
    previewStart: start === 0,
    start: { images: start, updates: start / 4, epoch: 0, elapsedSeconds: 0, pending: { count: 0, sums: {} } },
    save: async ({ images }) => {
      seen.saved.push(images)
      return { written: Promise.resolve(`checkpoint ${images}`) }
    },
    preview: async (images) => {
      seen.previews.push(images)
    },
    sample: async () => ({}) as never,
    restore: async (attempt) => {
      const images = seen.saved.at(-1)
      if (images === undefined) return undefined
      seen.attempts.push(attempt)
      reset(images)
      return { images, updates: images / 4, epoch: 0, elapsedSeconds: 0, pending: { count: 0, sums: {} } }
    },
    finish: async () => 'model' as unknown as Model,
    close: async () => {
      seen.closed += 1
    },
    onStatus: (status) => seen.statuses.push(status),
    signal: undefined,
    ...more,
  }
  return { session: new Session(deps), seen, units, deps }
}
