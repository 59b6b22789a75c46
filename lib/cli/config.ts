/** The options of a command: those in a --config file, under those given as flags. */
import { readFile } from 'node:fs/promises'
import { fileError, type Problem, type ShinsakuError, throwIfAny } from '../errors.ts'
import { translateStored } from '../options/renamed.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions } from '../options/types.ts'
import { trainGroups } from '../options/value-kind.ts'
import { valuesOf, wrongValues } from './flags.ts'

type Values = Record<string, unknown>

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The options in a JSON file: an object of options, or the config.json of a run. */
async function readOptions(path: string): Promise<Values> {
  const read = await readFile(path, 'utf8').catch((cause) => {
    throw fileError('read', path, cause)
  })
  // Some editors begin a file with it.
  const text = read.replace(/^\uFEFF/, '')
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throwIfAny([{ path: 'config', message: `${path} is not JSON: ${(cause as Error).message}` }])
  }
  if (isObject(parsed) && 'format' in parsed && isObject(parsed.options)) return translateStored(parsed.options)
  if (!isObject(parsed))
    throwIfAny([{ path: 'config', message: `${path} must hold a JSON object of options, such as {"size": 64}` }])
  return parsed as Values
}

/** What is wrong with the flags of `train`; with a --config file, whose options are not known here, each by itself. */
export function wrongTrainFlags(flags: Values): readonly Problem[] {
  const groups = trainGroups()
  if (flags.config !== undefined) return wrongValues(groups, flags)
  try {
    resolveTrain(valuesOf(groups, flags) as AnyTrainOptions)
    return []
  } catch (error) {
    return (error as ShinsakuError).details.problems as Problem[]
  }
}

/** Options of `train()` as given on the command line; checking them is train()'s affair. */
export async function givenTrainOptions(data: readonly string[], flags: Values): Promise<AnyTrainOptions> {
  const fromFlags = valuesOf(trainGroups(), flags)
  const fromFile = typeof flags.config === 'string' ? await readOptions(flags.config) : {}
  const fromArguments = data.length === 0 ? {} : { data: data.length === 1 ? data[0] : [...data] }
  return { ...fromFile, ...fromFlags, ...fromArguments }
}
