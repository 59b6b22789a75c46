/** What people should know of a model that they use: what it was trained on, by whose right, and how much it copies. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { positionName } from '../checkpoint/records.ts'
import { isLabelSet, type LabelSet } from '../options/labels.ts'
import { type DatasetSummary, readDatasetSummary } from '../run/dataset-record.ts'
import { readGuardLooks } from '../run/guard-records.ts'
import type { Model } from '../sampling/model.ts'

/** A share with the bounds of its 95 % interval, and how many samples were looked at. */
export type CopyShare = { value: number; low: number; high: number; n: number; by: 'evaluation' | 'guard' }

export type About = {
  kind: string
  /** Images that it had seen. */
  images: number
  size: number
  channels: number
  data: DatasetSummary | null
  /** What a model with labels can be asked for: its attributes and their values; null without labels. */
  labels: LabelSet['attributes'] | null
  /** Share of samples that are near copies of training pictures; null where nobody has looked. */
  copyShare: CopyShare | null
}

type Share = { value: number; low: number; high: number }

const isShare = (value: unknown): value is Share =>
  typeof value === 'object' &&
  value !== null &&
  (['value', 'low', 'high'] as const).every((key) => typeof (value as Share)[key] === 'number')

/** Of the evaluation of just these weights, where there is one. */
async function byEvaluation(run: string, images: number): Promise<CopyShare | null> {
  const path = join(run, 'evaluation', positionName(images), 'report.json')
  try {
    const { judgement } = JSON.parse(await readFile(path, 'utf8')) as { judgement: { copyShare: unknown; n: number } }
    return isShare(judgement.copyShare) ? { ...pick(judgement.copyShare), n: judgement.n, by: 'evaluation' } : null
  } catch {
    return null
  }
}

const pick = ({ value, low, high }: Share): Share => ({ value, low, high })

/** The guard's newest look at or before these weights. */
async function byGuard(run: string, images: number): Promise<CopyShare | null> {
  const looks = await readGuardLooks(run).catch(() => [])
  const share = looks.filter((look) => look.images <= images).at(-1)?.guard.copyShare
  return share ? { ...pick(share), n: share.n, by: 'guard' } : null
}

/** Facts that a run folder does not have are null: a file of weights says nothing of its pictures. */
export async function aboutModel(model: Model): Promise<About> {
  const { run, images, options } = model
  return {
    kind: options.model,
    images,
    size: options.size,
    channels: options.channels,
    labels: isLabelSet(options.labels) ? options.labels.attributes : null,
    data: await readDatasetSummary(join(run, 'dataset.json')).catch(() => null),
    copyShare: (await byEvaluation(run, images)) ?? (await byGuard(run, images)),
  }
}

/** The name of a model that nobody gave one. */
export const nameOf = (run: string): string => basename(run)
