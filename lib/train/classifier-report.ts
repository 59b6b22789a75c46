/** What a classifier gets right and wrong: accuracies, a table of which class is taken for which, and the pictures it is worst at. */
import { join } from 'node:path'
import { isFonts } from '../data/builtin.ts'
import { bootstrapShare } from '../evaluate/intervals.ts'
import { toJson, writeDurable } from '../files/write.ts'
import { letterOf } from '../fonts/letters.ts'
import type { LabelSet, PictureLabels } from '../options/labels.ts'
import { classifierPage } from './classifier-page.ts'
import type { ClassifierRecord, Side } from './classifier-record.ts'
import type { Accuracy } from './status.ts'

/** Pictures that a report names. */
const MAX_WORST = 25
const SEED = 20_220_713

/** One picture: its class and what the network says, as indices; how sure it is, and what it gives the right class. */
export type Answer = { path: string; row: number; truth: number; said: number; probability: number; ofTruth: number }

export type ClassifierReport = { accuracy: Accuracy; record: ClassifierRecord; worst: readonly Answer[] }

type Named = { path: string; labels?: PictureLabels }

/** The pictures of one side with the index of their class; -1 where that is unknown. */
export const sideOf = (
  files: readonly Named[],
  { attributes }: LabelSet,
  classes: readonly string[],
): { path: string; truth: number }[] =>
  files.map(({ path, labels }) => ({ path, truth: classes.indexOf(String(labels?.[attributes[0]!.name])) }))

function sideRecord(answers: readonly Answer[], classes: readonly string[]): Side {
  const confusion = classes.map(() => classes.map(() => 0))
  for (const { truth, said } of answers) confusion[truth]![said]! += 1
  return {
    accuracy: bootstrapShare(
      Uint8Array.from(answers, ({ truth, said }) => Number(truth === said)),
      SEED,
    ),
    confusion,
  }
}

function lettersOf(answers: readonly Answer[]): ClassifierRecord['letters'] {
  const letters = new Map<string, { right: number; n: number }>()
  for (const { path, truth, said } of answers) {
    const letter = letterOf(path)
    const { right, n } = letters.get(letter) ?? { right: 0, n: 0 }
    letters.set(letter, { right: right + Number(truth === said), n: n + 1 })
  }
  return [...letters]
    .map(([letter, { right, n }]) => ({ letter, accuracy: right / n, n }))
    .sort((a, b) => a.accuracy - b.accuracy || (a.letter < b.letter ? -1 : 1))
}

/** `data` is the name of the pictures' source. */
export function reportOf(
  about: { images: number; classes: readonly string[]; data: string },
  train: readonly Answer[],
  test: readonly Answer[] | null,
): ClassifierReport {
  const { images, classes, data } = about
  const shown = test ?? train
  const worst = [...shown].sort((a, b) => a.ofTruth - b.ofTruth || a.row - b.row).slice(0, MAX_WORST)
  const record: ClassifierRecord = {
    images,
    classes,
    train: sideRecord(train, classes),
    test: test && test.length > 0 ? sideRecord(test, classes) : null,
    worst: worst.map(({ path, truth, said, probability }) => ({
      path,
      class: classes[truth]!,
      said: classes[said]!,
      probability,
    })),
    letters: isFonts(data) ? lettersOf(shown) : [],
  }
  return {
    accuracy: { train: record.train.accuracy.value, test: record.test?.accuracy.value ?? null },
    record,
    worst,
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

/** A line of the log. */
export const accuracyText = (images: number, { train, test }: Accuracy): string =>
  `Accuracy at ${images} images: ${percent(train)} of the pictures to train on${test === null ? '' : `, ${percent(test)} of those held out`}`

/** Writes accuracy.html and accuracy.json into the run's folder; `worst` is a grid of the worst pictures as PNG. */
export async function writeClassifierReport(
  run: string,
  { record }: ClassifierReport,
  worst: Uint8Array,
): Promise<void> {
  await writeDurable(join(run, 'accuracy.html'), classifierPage(record, worst))
  await writeDurable(join(run, 'accuracy.json'), toJson(record))
}
