/** Makes a site of a run: what may be published is asked of its records first. */
import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readWhole } from '../files/read.ts'
import { toJson } from '../files/write.ts'
import { markOverlay } from '../images/mark.ts'
import { type MadeOnnx, makeOnnx } from '../onnx/make.ts'
import { absolutePath } from '../options/paths.ts'
import { type ResolvedPublishOptions, resolvePublish } from '../options/publish.ts'
import { version } from '../system/version.ts'
import { modelCard } from './card.ts'
import { megabytes, type SiteFacts, siteFacts, stepTimes } from './facts.ts'
import { copyRecordOf, readEvaluation, requireNew } from './newness.ts'
import { sitePage } from './page.ts'
import type { PublishCall, Published, PublishPlan } from './published.ts'
import { dataFactsOf, requireRights } from './rights.ts'
import { type RuntimeFile, runtimeFiles } from './runtime.ts'
import { requireOwn, type SiteFile, siteFile, writeSite } from './site.ts'

/** The page's own modules, by their places in dist/ and in the site's app/. */
const modules = [
  'publish/client/main.mjs',
  'publish/client/png.mjs',
  'onnx/browser/sample.js',
  'onnx/browser/description.js',
  'onnx/browser/random.js',
  'onnx/browser/torch-math.js',
  'options/labels.js',
  'images/xmp.js',
]

/** Far more than any of these files has. */
const MAX_FILE_BYTES = 2 ** 27

const fileAt = (path: string, from: string): SiteFile => ({ path, chunks: () => readWhole(from, MAX_FILE_BYTES) })

/** The page's modules as they were built. Throws FILE_FAILED where this code runs from its sources. */
const moduleFiles = (): SiteFile[] =>
  modules.map((name) => fileAt(`app/${name}`, fileURLToPath(new URL(`../${name}`, import.meta.url))))

/** Browsers keep a file by its name, so what decides about the model's bytes is in it. */
const modelName = ({ description }: MadeOnnx, { precision }: ResolvedPublishOptions): string => {
  const told = JSON.stringify([version, precision, description])
  return `model-${createHash('sha256').update(told).digest('hex').slice(0, 16)}.onnx`
}

const planOf = (made: MadeOnnx, runtime: readonly RuntimeFile[]): PublishPlan => ({
  bytes: made.bytes + bytesOf(runtime),
  modelBytes: made.bytes,
  steps: stepTimes(made).map(({ steps, seconds }) => ({ steps, seconds })),
})

const bytesOf = (files: readonly RuntimeFile[]) => files.reduce((sum, { bytes }) => sum + bytes, 0)

type Content = {
  made: MadeOnnx
  runtime: readonly RuntimeFile[]
  facts: SiteFacts
  options: ResolvedPublishOptions
  /** PNG over each picture. */
  overlay: Uint8Array | null
  date: string
}

function filesOf({ made, runtime, facts, options, overlay, date }: Content): SiteFile[] {
  const model = modelName(made, options)
  const page = sitePage(facts, {
    model,
    script: 'app/publish/client/main.mjs',
    name: basename(made.run),
    size: made.description.size,
    overlay,
    steps: stepTimes(made),
    download: megabytes(made.bytes + bytesOf(runtime)),
  })
  const record = { shinsaku: version, date, model, ...made.description.provenance, title: facts.title }
  return [
    { path: 'index.html', chunks: () => page },
    { path: 'README.md', chunks: () => modelCard(facts) },
    { path: model, chunks: () => made.chunks() },
    ...runtime.map(({ name, path }) => fileAt(`runtime/${name}`, path)),
    ...moduleFiles(),
    { path: siteFile, chunks: () => toJson(record) },
  ]
}

export async function publishRun(
  run: string,
  { onPlan, ...given }: PublishCall,
  from: string | undefined,
): Promise<Published> {
  const options = resolvePublish(given)
  // Without the slash that a folder's name may end with.
  const folder = resolve(absolutePath(options.out, from))
  await requireOwn(folder)
  const { weights, precision, sampler, steps, eta } = options
  const made = await makeOnnx(absolutePath(run, from), { weights, precision, sampler, steps, eta })
  try {
    const data = await dataFactsOf(made.run)
    if (!options.allowUnlicensed) requireRights(run, data)
    const evaluation = await readEvaluation(made.run, made.checkpoint)
    const copies = await copyRecordOf(made.run, made.images, evaluation)
    if (!options.allowCopies) requireNew(run, copies, options.maxCopyShare)
    const { mark, markAt } = options
    const overlay = mark === null ? null : await markOverlay(mark, markAt, made.description.size)
    const runtime = await runtimeFiles()
    const plan = planOf(made, runtime)
    onPlan?.(plan)
    const date = new Date().toISOString()
    const facts = siteFacts({
      made,
      data,
      copies,
      evaluation,
      title: options.title ?? basename(made.run),
      license: options.license,
      runtimeBytes: bytesOf(runtime),
      date,
      version,
    })
    await writeSite(folder, filesOf({ made, runtime, facts, options, overlay, date }))
    return { path: options.out, ...plan, weights: made.weights }
  } finally {
    await made.close()
  }
}
