/** Labels in words: what there is of each, and what a person should know before training with them. */
import { visible } from '../../errors.ts'
import { isSwitch, type LabelAttribute, type LabelSet } from '../../options/labels.ts'
import type { ManifestFile } from '../manifest.ts'

/** A class of fewer pictures means little, and its samples are near copies of them. */
const FEW = 10
const MAX_LISTED = 12

type Counted = { word: string; count: number }

const countsOf = (one: LabelAttribute): Counted[] =>
  one.kind === 'number' ? [] : one.values.map((word, index) => ({ word, count: one.counts[index]! }))

/** "red 12, brown 7 and 3 more", the most frequent first. */
function listOf(counted: readonly Counted[], most = MAX_LISTED): string {
  const sorted = [...counted].sort((a, b) => b.count - a.count)
  const named = sorted.slice(0, most).map(({ word, count }) => `${visible(word)} ${count}`)
  return sorted.length > most ? `${named.join(', ')} and ${sorted.length - most} more` : named.join(', ')
}

/** One line for each attribute: its values and how many pictures have each. */
export const describeLabels = ({ attributes }: LabelSet): string[] =>
  attributes.map((one) => {
    const name = visible(one.name)
    if (one.kind !== 'number') return `${name}: ${listOf(countsOf(one))}`
    return `${name}: ${isSwitch(one) ? 'yes or no' : `from ${one.min} to ${one.max}`}, known of ${one.count}`
  })

type Labelled = Pick<ManifestFile, 'path' | 'labels'>

/** Labels that few pictures have, and pictures without any. */
export function labelWarnings({ attributes }: LabelSet, trained: readonly Labelled[]): string[] {
  const rare = attributes.flatMap(countsOf).filter(({ count }) => count < FEW)
  const bare = trained.filter(({ labels }) => labels === undefined || Object.keys(labels).length === 0)
  return [
    ...(rare.length > 0
      ? [`Labels that fewer than ${FEW} pictures have give near copies of these: ${listOf(rare, 6)}.`]
      : []),
    ...(bare.length > 0
      ? [
          `${bare.length} of ${trained.length} pictures have no label: ${bare
            .slice(0, 3)
            .map(({ path }) => visible(path))
            .join(', ')}${bare.length > 3 ? ' and more' : ''}. They are learned as pictures of which nothing is known.`,
        ]
      : []),
  ]
}

/** Words that are wrong of a mirrored picture. */
const sided = /(^|[^\p{L}])(left|right)([^\p{L}]|$)/iu

/** What mirroring makes wrong; undefined where nothing is. */
export function mirrorWarning({ attributes }: LabelSet): string | undefined {
  const words = attributes.flatMap((one) => [one.name, ...countsOf(one).map(({ word }) => word)])
  const turned = words.filter((word) => sided.test(word))
  if (turned.length === 0) return undefined
  return `Half of the pictures are mirrored (flip), but labels speak of sides: ${turned.slice(0, 3).map(visible).join(', ')}. Set flip to false`
}
