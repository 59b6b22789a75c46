/** What a call asks the pictures to show: as the network is given it, and as the pictures' metadata say it. */
import { type AskedLabels, asksForLabels, findAsked } from '../options/asked-labels.ts'
import { encodeLabels, isLabelSet } from '../options/labels.ts'
import type { ResolvedSampleOptions, ResolvedTrainOptions } from '../options/types.ts'
import type { Provenance } from './picture.ts'

/** Options that ask for labels, or that count where some are asked for. */
const directing = [
  'label',
  'attributes',
  'prompt',
  'guidance',
  'guidanceRescale',
  'guidanceInterval',
  'guidanceProjection',
] as const

/** `row` is undefined where nothing is asked for; `settings` are the options without those that then mean nothing. */
export type Direction = { row: readonly number[] | undefined; settings: Provenance }

/** Of options that are resolved, and of no picture in particular. */
export function directionOf(
  labels: ResolvedTrainOptions['labels'],
  options: Omit<ResolvedSampleOptions, 'seeds' | 'seed' | 'count'>,
): Direction {
  const names: readonly string[] = directing
  const left = Object.entries(options).filter(([name]) => !names.includes(name))
  const settings = Object.fromEntries(left) as Provenance
  const asked: AskedLabels = options
  if (!isLabelSet(labels) || !asksForLabels(asked)) return { row: undefined, settings }
  const found = findAsked(labels, asked, [])
  const { guidance = 1, guidanceRescale = 0, guidanceInterval = [0, 1], guidanceProjection = false } = options
  const guided = guidance === 1 ? {} : { guidance, guidanceRescale, guidanceInterval, guidanceProjection }
  return { row: encodeLabels(labels, found), settings: { ...settings, labels: found, ...guided } }
}
