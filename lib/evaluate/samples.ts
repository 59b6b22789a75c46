/** The samples of an evaluation, one PNG each in a folder of the run: what was sampled before is not sampled again. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { fileError } from '../errors.ts'
import { readJson } from '../files/read.ts'
import { makeFolderDurable, remove, toJson, writeDurable } from '../files/write.ts'
import { definitionOf } from '../models/table.ts'
import { resolveSample } from '../options/resolve.ts'
import type { ResolvedSampleOptions, SampleOptions } from '../options/types.ts'
import type { Model } from '../sampling/model.ts'
import { type EvaluationHooks, throwIfAborted } from './hooks.ts'
import { fileSet, type PictureSet } from './pictures.ts'

export type SampledSet = {
  pictures: PictureSet
  seeds: readonly number[]
  /** Options of sampling, complete. */
  options: ResolvedSampleOptions
  weights: 'ema' | 'raw'
  seconds: number
}

export type SamplesCall = {
  model: Model
  /** What tells its weights from all others. */
  weightsDigest: string
  /** Receives the folder `samples` and the record of how they were made. */
  folder: string
  given: SampleOptions
}

const recordFile = 'samples.json'
const recordSchema = z.strictObject({ digest: z.string(), settings: z.record(z.string(), z.unknown()) })

const nameOf = (seed: number): string => `seed-${seed}.png`

/** Whatever else would be another picture from the same seed. */
const digestOf = (weightsDigest: string, settings: object): string =>
  createHash('sha256')
    .update(JSON.stringify([weightsDigest, settings]))
    .digest('hex')

async function namesIn(folder: string): Promise<Set<string>> {
  return new Set(
    await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return []
      throw fileError('read', folder, cause)
    }),
  )
}

/** Whether the pictures that are there were made in the same way; a record that cannot be read is of another way. */
const isSame = (folder: string, digest: string): Promise<boolean> =>
  readJson(join(folder, recordFile), recordSchema).then(
    (record) => record.digest === digest,
    () => false,
  )

/**
 * Samples what is missing and resolves with all pictures, which are read from their files. Rejects as sampling and
 * saving do; pictures that are complete stay.
 */
export async function sampleMissing(
  { model, weightsDigest, folder, given }: SamplesCall,
  hooks: EvaluationHooks,
): Promise<SampledSet> {
  const begun = performance.now()
  const options = resolveSample(given, model.options)
  const { seeds, seed: _, count: __, ...settings } = options
  const weights = options.weights === 'auto' ? model.autoWeights : options.weights
  const samples = join(folder, 'samples')
  const digest = digestOf(weightsDigest, { ...settings, weights })
  if (!(await isSame(folder, digest))) {
    await remove(samples)
    await makeFolderDurable(folder)
    await writeDurable(join(folder, recordFile), toJson({ digest, settings: { ...settings, weights } }))
  }
  await makeFolderDurable(samples)
  const there = await namesIn(samples)
  const together = definitionOf(model.options.model).sampledAtOnce(options) >= seeds.length && seeds.length > 1
  const missing = seeds.filter((seed) => !there.has(nameOf(seed)))
  // Where pictures depend on those beside them, some of them alone would be others.
  const wanted = together && missing.length > 0 ? seeds : missing
  const report = (done: number) => hooks.onProgress?.({ phase: 'sampling', done, total: seeds.length })
  throwIfAborted(hooks)
  report(seeds.length - wanted.length)
  if (wanted.length > 0) {
    const { seed: _given, count: _count, seeds: _seeds, ...rest } = given
    const call = { ...rest, seeds: [...wanted], ...(hooks.signal && { signal: hooks.signal }) }
    let written = seeds.length - wanted.length
    await model.sample(call).save(samples, {
      // What is there of other weights or options was removed; the rest is not asked for.
      overwrite: true,
      onFile: () => {
        written += 1
        report(written)
      },
    })
  }
  const { size, channels } = model.options
  return {
    pictures: fileSet({ folder: samples, names: seeds.map(nameOf), size, channels }),
    seeds,
    options,
    weights,
    seconds: (performance.now() - begun) / 1000,
  }
}
