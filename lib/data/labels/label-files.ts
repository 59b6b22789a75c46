/** Puts labels on the entries of dataset.json: learned from the pictures that are trained on, or those of a run that goes on. */
import { isLabelSet, type LabelSet } from '../../options/labels.ts'
import { labelsDigestOf, type Manifest, type ManifestFile } from '../manifest.ts'
import { applyLabels } from './apply.ts'
import { extensionBeside } from './beside.ts'
import { labelWarnings } from './describe.ts'
import { learnClasses, learnLabels } from './learn.ts'
import type { FoundLabels } from './raw.ts'
import type { WantedLabels } from './read.ts'

/** What the labels came to; nothing where none are asked for. */
export type Labelling = {
  set: LabelSet | null
  record: Pick<Manifest, 'labelsDigest'>
  /** One line for each thing to know. */
  warnings: readonly string[]
}

export const unlabelled: Labelling = { set: null, record: {}, warnings: [] }

/** Where one attribute alone is learned: its name, or null for the only one. */
export type OneAttribute = { attribute: string | null }

function learn(
  trained: readonly ManifestFile[],
  found: FoundLabels,
  wanted: WantedLabels,
  classes: OneAttribute | undefined,
): ReturnType<typeof learnLabels> {
  if (isLabelSet(wanted)) return { set: wanted, warnings: [] }
  const known = trained.map(({ path }) => ({ path, labels: found.of(path) }))
  if (classes) return learnClasses(wanted, known, classes.attribute)
  return learnLabels(
    wanted,
    known.map(({ labels }) => labels),
  )
}

/**
 * Writes labels into the entries. Words and classes are those of `trained`: what only held-out pictures have is unknown,
 * because no network could learn it. Throws LABELS_INVALID where nothing tells the pictures apart.
 */
export function labelFiles(
  { trained, heldOut }: { trained: readonly ManifestFile[]; heldOut: readonly ManifestFile[] },
  found: FoundLabels,
  wanted: WantedLabels,
  classes?: OneAttribute,
): Labelling {
  const { set, warnings } = learn(trained, found, wanted, classes)
  for (const file of [...trained, ...heldOut]) file.labels = applyLabels(set, found.of(file.path))
  return {
    set,
    record: { labelsDigest: labelsDigestOf(trained) },
    warnings: [...found.warnings, ...warnings, ...labelWarnings(set, trained)],
  }
}

/** Files of other kinds without those that labels were read from, which are not passed over. */
export function withoutLabelFiles(ignored: Manifest['ignored'], set: LabelSet | null): Manifest['ignored'] {
  const read = set ? extensionBeside(set.from) : undefined
  return Object.fromEntries(Object.entries(ignored).filter(([extension]) => extension !== read))
}
