/** The options of a command: those in a --config file, under those given as flags. */
import { readFile } from 'node:fs/promises'
import { fileError, throwIfAny } from '../errors.ts'
import { translateStored } from '../options/renamed.ts'
import type { TrainOptions } from '../options/resolve.ts'
import { trainGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'

type Values = Record<string, unknown>

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The options in a JSON file: an object of options, or the config.json of a run. */
async function readOptions(path: string): Promise<Values> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw fileError('read', path, cause)
  })
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

/** Options of `train()` as given on the command line; checking them is train()'s affair. */
export async function givenTrainOptions(data: readonly string[], flags: Values): Promise<TrainOptions> {
  const fromFlags = valuesOf(trainGroups(), flags)
  const fromFile = typeof flags.config === 'string' ? await readOptions(flags.config) : {}
  const fromArguments = data.length === 0 ? {} : { data: data.length === 1 ? data[0] : [...data] }
  return { ...fromFile, ...fromFlags, ...fromArguments }
}
