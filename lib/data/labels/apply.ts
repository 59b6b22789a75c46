/** What was written beside a picture in the words of a label set; what that does not know is unknown. */
import type { LabelAttribute, LabelSet, PictureLabels } from '../../options/labels.ts'
import { degreeOf } from './learn.ts'
import type { RawLabels, RawValue } from './raw.ts'

function knownValue(attribute: LabelAttribute, raw: RawValue): PictureLabels[string] | undefined {
  if (attribute.kind === 'words') {
    const said = new Set(Array.isArray(raw) ? raw : [String(raw)])
    return attribute.values.filter((word) => said.has(word))
  }
  if (attribute.kind === 'class') return attribute.values.find((value) => value === String(raw))
  const degree = degreeOf(raw)
  return degree !== undefined && degree >= attribute.min && degree <= attribute.max ? degree : undefined
}

/** One picture's labels, in the order of the set. */
export function applyLabels({ attributes }: LabelSet, raw: RawLabels): PictureLabels {
  const known = attributes.flatMap((attribute): [string, PictureLabels[string]][] => {
    const said = raw.get(attribute.name)
    const value = said === undefined ? undefined : knownValue(attribute, said)
    return value === undefined ? [] : [[attribute.name, value]]
  })
  return Object.fromEntries(known)
}
