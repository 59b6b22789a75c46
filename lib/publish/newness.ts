/** What is on record about copies: the evaluation of the checkpoint, or else the newest look of the copy guard. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ShinsakuError } from '../errors.ts'
import { readJson } from '../files/read.ts'
import { readGuardLooks } from '../run/guard-records.ts'

const interval = z.object({ value: z.number(), low: z.number(), high: z.number() })
const measured = z.union([z.number(), interval]).nullable()

/** Of report.json, what is used here; judged by `shinsaku evaluate`. */
const reportSchema = z.looseObject({
  n: z.number(),
  copyShare: measured,
  copyShareHeldOut: measured,
  date: z.string(),
  verdict: z.looseObject({ word: z.string(), because: z.array(z.string()) }),
  basis: z.looseObject({
    reference: z.looseObject({ name: z.string(), count: z.number() }),
    extractor: z.looseObject({ name: z.string() }).nullable(),
  }),
})
export type EvaluationRecord = z.infer<typeof reportSchema>

export type Share = { readonly value: number; readonly low: number; readonly high: number }

export type CopyRecord = {
  readonly share: Share
  /** Share of held-out pictures that look like copies, which are none; null where there are none. */
  readonly heldOut: number | null
  /** Samples that were looked at. */
  readonly n: number
  /** Where it stands, in words. */
  readonly by: string
}

const shareOf = (value: z.infer<typeof measured>): Share | null =>
  typeof value === 'number' ? { value, low: value, high: value } : value

/** The evaluation of a checkpoint; undefined where there is none. Throws RUN_INVALID for one that is damaged. */
export async function readEvaluation(run: string, checkpoint: string): Promise<EvaluationRecord | undefined> {
  const path = join(run, 'evaluation', checkpoint, 'report.json')
  const isThere = await access(path).then(
    () => true,
    () => false,
  )
  return isThere ? readJson(path, reportSchema) : undefined
}

/** Undefined where nobody has looked, or could tell. */
export async function copyRecordOf(
  run: string,
  images: number,
  evaluation: EvaluationRecord | undefined,
): Promise<CopyRecord | undefined> {
  const share = shareOf(evaluation?.copyShare ?? null)
  if (evaluation && share) {
    const heldOut = shareOf(evaluation.copyShareHeldOut)?.value ?? null
    return { share, heldOut, n: evaluation.n, by: 'the evaluation of this checkpoint' }
  }
  const looks = (await readGuardLooks(run)).filter((look) => look.images <= images)
  const last = looks.at(-1)
  if (!last?.guard.copyShare) return undefined
  const { copyShare, copyShareHeldOut } = last.guard
  const by = `the copy guard at ${last.images.toLocaleString('en-US')} images`
  return { share: copyShare, heldOut: copyShareHeldOut?.value ?? null, n: copyShare.n, by }
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`

/** Such as "1.0 % (0.2 % to 2.5 %) of 256 samples are copies, by the evaluation of this checkpoint". */
export const copyText = ({ share, n, by }: CopyRecord): string =>
  `${percent(share.value)} (${percent(share.low)} to ${percent(share.high)}) of ${n} samples are copies of a training picture, by ${by}`

/** Throws COPIES_UNCHECKED where nobody has looked, COPIES_FOUND where there are more than `limit`. */
export function requireNew(run: string, record: CopyRecord | undefined, limit: number): void {
  if (!record)
    throw new ShinsakuError(
      'COPIES_UNCHECKED',
      `${run} is not published: nobody has looked whether its samples are copies`,
      {
        hint: 'Run shinsaku evaluate on it, or publish it unseen: allowCopies: true (--allow-copies).',
      },
    )
  const passing = Math.max(limit, record.heldOut ?? 0)
  if (record.share.value <= passing) return
  throw new ShinsakuError('COPIES_FOUND', `${run} is not published: ${copyText(record)}, above ${percent(passing)}`, {
    hint: 'Take an earlier checkpoint (at: "best" finds one), train on more pictures, raise maxCopyShare, or publish it all the same: allowCopies: true (--allow-copies).',
    details: { share: record.share.value, limit: passing },
  })
}
