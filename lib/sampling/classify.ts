/** What a classifier says of pictures: the class of each, and how likely it takes every class to be. */
import { abortError, type Problem, throwIfAny } from '../errors.ts'
import { isLabelSet } from '../options/labels.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { type GivenPicture, pixelsOf } from './given-picture.ts'

export type ClassifyCall = {
  signal?: AbortSignal
  /** Called with the number of pictures that are done. */
  onProgress?: (done: number, total: number) => void
}

export type Classification = {
  /** The class that it takes for the likeliest. */
  readonly label: string
  /** How likely that is, from 0 to 1, if you believe the network; most are too sure of themselves. */
  readonly probability: number
  /** The same of every class. */
  readonly probabilities: Readonly<Record<string, number>>
}

/** What classifying needs of a model. */
export type Classifier = {
  readonly options: ResolvedTrainOptions
  logits(pixels: Uint8Array, count: number): Promise<Float32Array>
}

/** Pictures that go through the network together: one bounded unit. */
export const CLASSIFIED_AT_ONCE = 64

/** The classes of a classifier, in the order of its outputs. Throws OPTION_INVALID for models of other kinds. */
export function classesOf({ model, labels }: ResolvedTrainOptions): readonly string[] {
  const [one] = isLabelSet(labels) ? labels.attributes : []
  if (model === 'classifier' && one?.kind === 'class') return one.values
  const problem = `classifying needs a model of kind "classifier", but this one is of kind "${model}"`
  throwIfAny([{ path: 'model', message: problem }])
  return []
}

/** Softmax of one row. */
function probabilitiesOf(logits: Float32Array): number[] {
  const most = Math.max(...logits)
  const powers = Array.from(logits, (logit) => Math.exp(logit - most))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

/** For each picture of uint8 [count, size, size, channels] the index of its class, and the probability of every class. */
export async function classifyPixels(
  model: Classifier,
  pixels: Uint8Array,
  count: number,
): Promise<{ index: number; probabilities: number[] }[]> {
  const logits = await model.logits(pixels, count)
  const width = logits.length / count
  return Array.from({ length: count }, (_, i) => {
    const probabilities = probabilitiesOf(logits.subarray(i * width, (i + 1) * width))
    return { index: probabilities.indexOf(Math.max(...probabilities)), probabilities }
  })
}

/** What `model.classify()` promises; relative paths are those of the folder `from`. */
export async function classify(
  model: Classifier,
  pictures: readonly GivenPicture[],
  { signal, onProgress }: ClassifyCall,
  from: string | undefined,
): Promise<Classification[]> {
  const classes = classesOf(model.options)
  const problems: Problem[] = Array.isArray(pictures)
    ? []
    : [{ path: 'pictures', message: `must be a list of pictures, but is ${typeof pictures}` }]
  throwIfAny(problems)
  const all: Classification[] = []
  for (let first = 0; first < pictures.length; first += CLASSIFIED_AT_ONCE) {
    const some = pictures.slice(first, first + CLASSIFIED_AT_ONCE)
    if (signal?.aborted) throw abortError(signal, 'Classifying')
    const pixels: Uint8Array[] = []
    for (const [i, given] of some.entries())
      pixels.push(await pixelsOf(given, model.options, from, `pictures.${first + i}`))
    for (const { index, probabilities } of await classifyPixels(model, Buffer.concat(pixels), some.length)) {
      const byClass = Object.fromEntries(classes.map((name, i) => [name, probabilities[i]!]))
      all.push({ label: classes[index]!, probability: probabilities[index]!, probabilities: byClass })
    }
    onProgress?.(all.length, pictures.length)
  }
  return all
}
