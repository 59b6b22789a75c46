/** Near copies among samples of each label: what a model is asked for may be what it knows by heart. */
import { isLabelSet, isSwitch, type LabelAttribute, type LabelSet } from '../options/labels.ts'
import type { SampleOptions } from '../options/types.ts'
import type { Model } from '../sampling/model.ts'
import type { PixelNative } from './by-pixels.ts'
import { CopySearch, copiesAmong, copyShare } from './copies.ts'
import { type EvaluationHooks, throwIfAborted } from './hooks.ts'
import type { Interval } from './intervals.ts'
import { colourOf, type PictureSet, toRgb } from './pictures.ts'

/** The most frequent ones are measured. */
const MAX_LABELS = 8

export type LabelCopies = {
  /** As it is asked for: `{ hair: 'red' }`. */
  attributes: Readonly<Record<string, string | number>>
  /** Training pictures that have it; null for a yes or no, whose counts are not on record. */
  pictures: number | null
  samples: number
  copyShare: Interval
}

type Asked = Pick<LabelCopies, 'attributes' | 'pictures'>

const valuesOf = (one: LabelAttribute): Asked[] => {
  if (one.kind !== 'number')
    return one.values.map((value, index) => ({ attributes: { [one.name]: value }, pictures: one.counts[index]! }))
  return isSwitch(one) ? [{ attributes: { [one.name]: 1 }, pictures: null }] : []
}

/** What is asked for, one label at a time: the most frequent first, yes or no before them. */
export const askedOf = ({ attributes }: LabelSet): Asked[] =>
  attributes
    .flatMap(valuesOf)
    .sort((a, b) => (b.pictures ?? Number.MAX_SAFE_INTEGER) - (a.pictures ?? Number.MAX_SAFE_INTEGER))
    .slice(0, MAX_LABELS)

type Reference = { pictures: PictureSet; groups: Int32Array }

/**
 * Samples `perLabel` pictures of each label and looks for near copies among them. Empty for a model without labels, or
 * where nothing can be said about copies.
 */
export async function copiesByLabel(
  addon: Pick<PixelNative, 'pixelIndex'>,
  model: Model,
  { pictures, groups }: Reference,
  { perLabel, sample }: { perLabel: number; sample: SampleOptions },
  hooks: EvaluationHooks,
): Promise<LabelCopies[]> {
  const { labels, background } = model.options
  if (!isLabelSet(labels) || perLabel === 0) return []
  const search = await CopySearch.over(addon, pictures, groups)
  if (search === undefined) return []
  const { signal, onProgress } = hooks
  const asked = askedOf(labels)
  const total = asked.length * perLabel
  let done = 0
  const { label: _, prompt: __, seed = 0, ...rest } = sample
  const colour = colourOf(background)
  try {
    const found: LabelCopies[] = []
    for (const one of asked) {
      const hits = new Uint8Array(perLabel)
      const call = { ...rest, attributes: one.attributes, seed, count: perLabel, ...(signal && { signal }) }
      let index = 0
      for await (const { pixels, channels } of model.sample(call)) {
        throwIfAborted(hooks)
        hits.set(copiesAmong(await search.nearest(toRgb(pixels, channels, colour))), index)
        index += 1
        done += 1
        onProgress?.({ phase: 'sampling', done, total })
      }
      const { value, low, high } = copyShare(hits, seed)
      found.push({ ...one, samples: perLabel, copyShare: { value, low, high } })
    }
    return found
  } finally {
    search.dispose()
  }
}
