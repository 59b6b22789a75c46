/** What the copy guard has found in a run, as it stands in metrics.jsonl: one line for each look. */
import { join } from 'node:path'
import { z } from 'zod'
import { ShinsakuError } from '../errors.ts'
import { linesIn, readLinesIfThere } from './metrics.ts'

const interval = { value: z.number(), low: z.number(), high: z.number() }
const share = z.object({ ...interval, n: z.number() })

/** What a warning is about. */
const reason = z.enum(['gap', 'copies'])
export type GuardReason = z.infer<typeof reason>

const recordSchema = z.object({
  /** Which weights were looked at: those that `sample()` takes by default. */
  weights: z.enum(['ema', 'raw']),
  /**
   * Held-out minus training pictures, `n` of each: means, and the bounds of their difference; for each of what the kind
   * of model can tell. Empty where no pictures are held out.
   */
  gaps: z.array(
    z.object({
      name: z.string(),
      train: z.number(),
      heldOut: z.number(),
      /** The same mean of as many samples; of discriminators only, which are to tell them from both. */
      fake: z.number().optional(),
      ...interval,
      n: z.number(),
    }),
  ),
  /** Share of samples that are near copies of training pictures; null where it cannot be told. */
  copyShare: share.nullable(),
  /** The same of the held-out pictures, which are no copies; null where there are none. */
  copyShareHeldOut: share.nullable(),
  /** Side at which pictures were compared. */
  pixels: z.number().nullable(),
  /** What this look took. */
  seconds: z.number(),
  /** What it warned of for the first time in the run. */
  warned: z.array(reason),
})
/** One look of the copy guard. */
export type GuardRecord = z.infer<typeof recordSchema>

/** A look and when it was. */
export type GuardLook = { images: number; guard: GuardRecord }

const lineSchema = z.object({ images: z.number(), guard: recordSchema })
const KEY = Buffer.from('"guard":')

/** Whether a line of metrics.jsonl is one of the guard's, which may stand at the same images as the line before it. */
export const isGuardLine = (line: Uint8Array): boolean =>
  Buffer.from(line.buffer, line.byteOffset, line.length).includes(KEY)

/** The numbers of a look by the tags that TensorBoard shows them under. */
export function guardScalars({ gaps, copyShare, copyShareHeldOut }: GuardRecord): Record<string, number> {
  const bounds = (name: string, { value, low, high }: { value: number; low: number; high: number }) => ({
    [name]: value,
    [`${name}/low`]: low,
    [`${name}/high`]: high,
  })
  const scalars: Record<string, number> = {
    ...(copyShare && bounds('guard/copyShare', copyShare)),
    ...(copyShareHeldOut && bounds('guard/copyShareHeldOut', copyShareHeldOut)),
  }
  for (const { name, train, heldOut, fake, ...gap } of gaps)
    Object.assign(scalars, bounds(`guard/gap/${name}`, gap), {
      [`guard/train/${name}`]: train,
      [`guard/heldOut/${name}`]: heldOut,
      ...(fake !== undefined && { [`guard/fake/${name}`]: fake }),
    })
  return scalars
}

/** All looks on record, oldest first; none for a run without metrics. Throws RUN_INVALID, FILE_FAILED. */
export async function readGuardLooks(run: string): Promise<GuardLook[]> {
  const path = join(run, 'metrics.jsonl')
  const bytes = (await readLinesIfThere(path)) ?? new Uint8Array()
  const looks: GuardLook[] = []
  let number = 0
  for (const { begin, end, whole } of linesIn(bytes)) {
    number += 1
    const line = bytes.subarray(begin, whole ? end - 1 : end)
    // A last line without its end was cut short by a kill.
    if (whole && isGuardLine(line)) looks.push(parse(line, path, number))
  }
  return looks
}

function parse(line: Uint8Array, path: string, number: number): GuardLook {
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(line).toString())
  } catch {
    value = undefined
  }
  const parsed = lineSchema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ShinsakuError(
    'RUN_INVALID',
    `Line ${number} of ${path} is no record of the copy guard, though it says so`,
    {
      hint: 'Take that line out of the file; only what the guard found there is lost.',
    },
  )
}

/** Whether a look warned of copies; of a gap, where copies cannot be told. */
export const warnsOfCopies = ({ warned, copyShare }: Pick<GuardRecord, 'warned' | 'copyShare'>): boolean =>
  warned.includes(copyShare === null ? 'gap' : 'copies')

/** Images at the first warning of copies; undefined where there was none. */
export const firstWarning = (looks: readonly GuardLook[]): number | undefined =>
  looks.find(({ guard }) => warnsOfCopies(guard))?.images
