/** What `evaluate()` promises: samples, measures and reports, for a path that is a string. */
import { basename, join } from 'node:path'
import { resolveDevice } from '../backend/device.ts'
import { makeFolderDurable } from '../files/write.ts'
import { loadNative } from '../native/load.ts'
import { withThreads } from '../native/with-threads.ts'
import { requireGenerator } from '../options/resolve.ts'
import { resolveEvaluate } from '../options/resolve-evaluate.ts'
import { locateTrained, trainedOptions } from '../run/trained.ts'
import type { Model } from '../sampling/model.ts'
import { openModel } from '../sampling/open.ts'
import { threadsFor } from '../system/cpus.ts'
import { version } from '../system/version.ts'
import { copiesByLabel, type LabelCopies } from './by-label.ts'
import type { EvaluateCall, Evaluation } from './calls.ts'
import { openExtractor } from './extractor/open.ts'
import { type JudgedPairs, judge } from './judge.ts'
import { writeStatistics } from './npz.ts'
import { asRgb } from './pictures.ts'
import { keptOf, loadReference, type Reference } from './reference.ts'
import type { ReportContent } from './report/content.ts'
import { curvesOf } from './report/curves.ts'
import {
  dataFacts,
  firstSamples,
  gridsOf,
  machineOf,
  optionTexts,
  type PairSets,
  realsOf,
  showPairs,
} from './report/gather.ts'
import { writeReport } from './report/write.ts'
import { type SampledSet, sampleMissing } from './samples.ts'
import { openStatistics } from './statistics.ts'

/** Statistics of the training pictures' features, for pytorch-fid. */
const statisticsFile = (extractor: string): string => `training-${extractor}.npz`

type Measured = {
  run: string
  model: Model
  sampled: SampledSet
  reference: Reference
  judged: JudgedPairs
  labels: readonly LabelCopies[]
  sets: PairSets
  device: string
  seconds: { sampling: number; measuring: number }
}

async function contentOf({
  run,
  model,
  sampled,
  reference,
  judged,
  labels,
  sets,
  device,
  seconds,
}: Measured): Promise<ReportContent> {
  const { judgement, pixels, pairs } = judged
  const { curves, seconds: trainingSeconds } = await curvesOf(run, model.images)
  const { seeds, options, weights } = sampled
  return {
    shinsaku: version,
    date: new Date().toISOString(),
    judgement,
    labels,
    data: dataFacts(reference.manifest, reference.warnings),
    run: {
      name: basename(run),
      model: model.options.model,
      images: model.images,
      weights: weights === 'ema' ? 'averaged' : 'latest',
      seeds: { first: seeds[0]!, count: seeds.length },
      options: optionTexts(model.options),
      sampling: optionTexts(options),
      trainingSeconds,
    },
    machine: await machineOf(run, device, seconds),
    curves,
    distances: { samples: [...pixels.nearest.distances], training: [...pixels.among] },
    samples: await firstSamples(sets.samples),
    reals: await realsOf(run),
    overTime: await gridsOf(run, model.images),
    pairs: [
      { by: 'pixels', pairs: await showPairs(pairs.pixels, sets) },
      { by: 'features', pairs: await showPairs(pairs.features, sets) },
    ],
  }
}

export async function evaluateRun(path: string, { signal, onProgress, ...given }: EvaluateCall): Promise<Evaluation> {
  const hooks = { signal, onProgress }
  const { device: wanted, threads, at, extractor: choice, statistics: file, data, ...others } = resolveEvaluate(given)
  const place = await locateTrained(path, at)
  requireGenerator(await trainedOptions(place.run), 'evaluate')
  const model = await openModel(place.folder, { device: wanted, threads })
  let reference: Reference | undefined
  try {
    const addon = withThreads((await loadNative()).addon, threadsFor(threads))
    const device = await resolveDevice(wanted)
    const { run } = place
    const folder = join(run, 'evaluation', basename(place.folder))
    // Whatever is wrong with these is known before pictures are sampled.
    const extractor = await openExtractor(addon, choice, device)
    const statistics = await openStatistics(file, extractor)
    reference = await loadReference(run, model.options, data, hooks)
    await makeFolderDurable(folder)
    const weightsDigest = place.manifest.files['model.safetensors']!.sha256
    const sampled = await sampleMissing({ model, weightsDigest, folder, given: others.sample }, hooks)
    const { pictures, groups, heldOut, manifest } = reference
    const labels = await copiesByLabel(addon, model, { pictures, groups }, others, hooks)
    model.dispose()
    const begun = performance.now()
    const { background } = model.options
    const samples = asRgb(sampled.pictures, background)
    const judged = await judge(
      addon,
      {
        sets: { samples, reference: pictures, groups, heldOut },
        extractor,
        statistics,
        kept: 'info' in extractor ? keptOf(manifest, extractor.info, device) : null,
        reference: data === null ? 'training pictures' : `pictures of ${manifest.data}`,
        format: 'png',
        seed: others.seed,
      },
      hooks,
    ).finally(() => 'open' in extractor && extractor.open.embedder.dispose())
    const { features } = judged
    if (features && 'info' in extractor) {
      await writeStatistics(
        join(folder, statisticsFile(extractor.info.name)),
        await features.reference.native.statistics(),
      )
      features.reference.native.dispose()
    }
    const seconds = { sampling: sampled.seconds, measuring: (performance.now() - begun) / 1000 }
    const names = manifest.files.map((file) => file.path)
    const sets = { samples, reference: pictures, seeds: sampled.seeds, names }
    const content = await contentOf({ run, model, sampled, reference, judged, labels, sets, device, seconds })
    const report = await writeReport(folder, content)
    return {
      ...judged.judgement,
      run,
      images: model.images,
      labels,
      folder,
      report,
      ...(place.note && { note: place.note }),
    }
  } finally {
    model.dispose()
    await reference?.close()
  }
}
