/** What the page and the card say of a model, in words: made once of the run's records, shown in both. */

import { optionTexts } from '../evaluate/report/gather.ts'
import type { MadeOnnx } from '../onnx/make.ts'
import type { DatasetFacts } from '../run/dataset-facts.ts'
import { weightsText } from '../sampling/weights.ts'
import { secondsOf, timeText } from './estimate.ts'
import { type CopyRecord, copyText, type EvaluationRecord } from './newness.ts'
import { rightsProblems } from './rights.ts'

/** Sentences, then a table, which may be empty. */
export type Section = {
  readonly title: string
  readonly text: readonly string[]
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export type SiteFacts = {
  readonly title: string
  readonly license: string | null
  readonly summary: string
  readonly sections: readonly Section[]
}

export type SiteRecords = {
  readonly made: MadeOnnx
  readonly data: DatasetFacts
  readonly copies: CopyRecord | undefined
  readonly evaluation: EvaluationRecord | undefined
  readonly title: string
  readonly license: string | null
  /** Of what the model runs with. */
  readonly runtimeBytes: number
  /** Of the day it was published, ISO 8601. */
  readonly date: string
  readonly version: string
}

const count = (value: number): string => value.toLocaleString('en-US')
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** Numbers of steps that a visitor can choose from, each with the time that it may take. */
export const stepTimes = ({ description, multiplyAdds }: Pick<MadeOnnx, 'description' | 'multiplyAdds'>) => {
  const steps = description.plans.map((plan) => plan.steps.length)
  return (steps.length === 0 ? [1] : steps).map((each) => {
    const seconds = secondsOf(multiplyAdds, each)
    return { steps: each, seconds, time: timeText(seconds) }
  })
}

function dataSection(data: DatasetFacts): Section {
  const problems = rightsProblems(data)
  const heldOut = data.heldOut > 0 ? `, and ${count(data.heldOut)} held out` : ''
  return {
    title: 'Trained on',
    text: [
      `${count(data.count)} pictures${heldOut}. Digest of their files: ${data.digest.slice(0, 16)}.`,
      ...(problems.length > 0 ? [`Published all the same: ${problems.join('; ')}.`] : []),
    ],
    head: ['pictures', 'licence', 'author', 'source'],
    rows: data.rights.map((one) => [
      count(one.count),
      one.licence ?? 'not on record',
      one.author ?? 'not on record',
      one.source ?? 'not on record',
    ]),
  }
}

function newnessSection(copies: CopyRecord | undefined, evaluation: EvaluationRecord | undefined): Section {
  const found = copies ? `${copyText(copies)}.` : 'Nobody has looked whether samples are copies of training pictures.'
  const heldOut = copies?.heldOut
  const beside =
    heldOut === null || heldOut === undefined
      ? []
      : [`Of held-out pictures, which are no copies, ${(100 * heldOut).toFixed(1)} % look like copies.`]
  const verdict = evaluation
    ? [
        `Verdict of shinsaku evaluate on ${evaluation.n} samples against ${evaluation.basis.reference.count} ${evaluation.basis.reference.name}: ${evaluation.verdict.word}. ${evaluation.verdict.because.join(' ')}`,
      ]
    : []
  return { title: 'How new its pictures are', text: [found, ...beside, ...verdict], head: [], rows: [] }
}

function modelSection({ made, runtimeBytes, version, date }: SiteRecords): Section {
  const { options, images, weights, parameters } = made
  const times = stepTimes(made).map(({ steps, time }) => (steps === 1 ? time : `${steps} steps ${time}`))
  return {
    title: 'The model',
    text: [
      `${options.model} (${options.variant}), ${options.size} x ${options.size} pixels, ${count(parameters)} weights (${weightsText(weights)}) after ${count(images)} images of training.`,
      `A visitor loads ${megabytes(made.bytes)} of model and ${megabytes(runtimeBytes)} of runtime once. Guessed time of a picture on one thread: ${times.join(', ')}.`,
      `Published with shinsaku ${version} on ${date.slice(0, 10)}.`,
    ],
    head: ['option', 'value'],
    rows: optionTexts(options),
  }
}

export function siteFacts(records: SiteRecords): SiteFacts {
  const { data, copies, evaluation, title, license } = records
  return {
    title,
    license,
    summary: `Pictures made by a model that was trained with shinsaku on ${count(data.count)} pictures. Licence of the model: ${license ?? 'not stated'}.`,
    sections: [dataSection(data), newnessSection(copies, evaluation), modelSection(records)],
  }
}
