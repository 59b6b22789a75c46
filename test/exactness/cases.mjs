// What is compared: the cases of the full table, or one case of the caller's own.
import { cpus } from 'node:os'
import { parseFlags } from '../../scripts/flags.mjs'

export const SNAPSHOTS = [1, 10, 50]

/** What a case has of its own. */
const caseFlags = {
  model: { value: 'diffusion|dcgan', help: 'of the case' },
  variant: { value: 'NAME', help: '2.3 or 0.26; of a DCGAN pytorch or chainer' },
  seed: { value: 'N', help: 'of everything that is random' },
  dim: { value: 'N', help: 'width of the U-Net' },
  'dim-mults': { value: 'A,B', help: 'multipliers of its levels' },
  width: { value: 'N', help: 'of the DCGAN' },
  latent: { value: 'N', help: 'numbers in its latent vector' },
  size: { value: 'N', help: 'pixels on a side' },
  batch: { value: 'N', help: 'pictures in a batch' },
  accumulate: { value: 'N', help: 'batches in an update' },
  objective: { value: 'noise|x0|v', help: 'what the U-Net predicts' },
  schedule: { value: 'NAME', help: 'linear, cosine or sigmoid' },
  timesteps: { value: 'N', help: 'of the diffusion' },
  loss: { value: 'l1|l2', help: 'of the diffusion' },
  flip: { value: 'on|off', help: 'pictures mirrored at random' },
  steps: { value: 'N', help: 'updates' },
  data: { value: 'FOLDER', help: 'pictures (usual: icons)' },
}

export const usage = {
  command: 'npm run exactness --',
  about: `Compares shinsaku with the Python programs that it follows, to the bit: in all cases of the table, or in one of your own.
"npm run exactness -- metrics" compares the metrics instead. Makes the Python that it needs in the user's cache.`,
  flags: {
    ...caseFlags,
    threads: { value: 'N', default: '2', help: 'of both sides' },
    json: { value: 'FILE', help: 'writes { rows: [{ case, quantity, identical, bound }] }' },
    docs: { help: 'writes docs/exactness.md' },
    from: { value: 'FILE', multiple: true, help: 'runs nothing and takes what --json wrote on this processor' },
    golden: { help: "writes test/golden/exactness.json: this processor's bits, beside those of others" },
  },
}

const deep = [1, 2, 4, 8]
const hourglass = [1, 4, 16]
const diffusion = (variant, rest) => ({ model: 'diffusion', variant, ...rest })
const own026 = { objective: 'noise', schedule: 'cosine' }
const own23 = { objective: 'v', schedule: 'sigmoid' }

const grid = (objectives, schedules) =>
  objectives.flatMap((objective) => schedules.map((schedule) => ({ objective, schedule })))

/** Everything that a network can be trained with takes a short run; what is usual takes a long one. */
const SHORT = 10

/** 0.26.4 has neither the v objective nor the sigmoid schedule. */
function cases026() {
  const deep026 = (rest) => diffusion('0.26', { dimMults: deep, ...rest })
  return [
    deep026({ ...own026 }),
    deep026({ ...own026, accumulate: 2, batch: 8, seed: 42 }),
    diffusion('0.26', { ...own026, dimMults: hourglass }),
    ...grid(['noise', 'x0'], ['linear', 'cosine']).map((rest, i) => deep026({ ...rest, seed: i, steps: SHORT })),
    deep026({ objective: 'x0', schedule: 'linear', loss: 'l2', accumulate: 2, seed: 5, steps: SHORT }),
    diffusion('0.26', {
      objective: 'x0',
      schedule: 'linear',
      dimMults: hourglass,
      accumulate: 2,
      batch: 8,
      seed: 9,
      steps: SHORT,
    }),
    diffusion('0.26', {
      ...own026,
      dimMults: [1, 2],
      dim: 24,
      size: 24,
      batch: 5,
      timesteps: 250,
      seed: 158,
      steps: SHORT,
    }),
  ]
}

function cases23() {
  const deep23 = (rest) => diffusion('2.3', { dimMults: deep, ...rest })
  const all = grid(['noise', 'x0', 'v'], ['linear', 'cosine', 'sigmoid'])
  return [
    deep23({ ...own23 }),
    deep23({ ...own23, accumulate: 2, batch: 8, seed: 42 }),
    diffusion('2.3', { ...own23, dimMults: hourglass }),
    ...all.map((rest, i) => deep23({ ...rest, seed: i, steps: SHORT })),
    deep23({ objective: 'noise', schedule: 'linear', accumulate: 2, seed: 5, steps: SHORT }),
    diffusion('2.3', {
      objective: 'x0',
      schedule: 'cosine',
      dimMults: hourglass,
      accumulate: 2,
      batch: 8,
      seed: 9,
      steps: SHORT,
    }),
    diffusion('2.3', {
      ...own23,
      dimMults: [1, 2],
      dim: 20,
      size: 24,
      batch: 18,
      timesteps: 250,
      seed: 158,
      steps: SHORT,
    }),
  ]
}

function casesDcgan() {
  const dcgan = (variant, rest) => ({ model: 'dcgan', variant, ...rest })
  return ['pytorch', 'chainer'].flatMap((variant) => [
    dcgan(variant, { size: 32 }),
    dcgan(variant, { size: 64, seed: 7, batch: 9, steps: SHORT }),
    dcgan(variant, { size: 96, width: 4, seed: 2016, steps: SHORT }),
  ])
}

/**
 * Cases whose numbers the ordinary tests keep. Their pictures are numbers, so that no decoder matters; they run on one
 * thread, because threads that wait for each other on a busy machine lose more than they gain at this size.
 */
const goldenCases = [
  diffusion('0.26', { ...own026, dimMults: [1, 2], data: 'numbers' }),
  diffusion('0.26', {
    objective: 'x0',
    schedule: 'linear',
    dimMults: [1, 2],
    accumulate: 2,
    batch: 8,
    data: 'numbers',
  }),
  diffusion('2.3', { ...own23, dimMults: [1, 2], data: 'numbers' }),
  diffusion('2.3', {
    objective: 'noise',
    schedule: 'cosine',
    dimMults: [1, 2],
    accumulate: 2,
    batch: 8,
    data: 'numbers',
  }),
  { model: 'dcgan', variant: 'pytorch', size: 32, data: 'numbers' },
  { model: 'dcgan', variant: 'chainer', size: 32, data: 'numbers' },
].map((given) => ({ ...given, threads: 1 }))

/** Complete: what both sides are told. */
function complete(given, threads) {
  const { model = 'diffusion' } = given
  // The package takes one DataLoader worker for each core; which pictures are mirrored depends on it.
  const loaderWorkers = model === 'diffusion' ? cpus().length : 2
  const common = { seed: 3407, batch: 16, accumulate: 1, steps: 50, threads, channels: 3, loaderWorkers }
  if (model === 'dcgan') {
    const { variant = 'pytorch' } = given
    const own = { variant, size: 64, width: 8, latent: 20, lr: 2e-4, betas: [0.5, 0.999], flip: variant === 'chainer' }
    const samples = [11, 12].map((seed) => ({ seed }))
    return { model, data: 'icons', ...common, ...own, ...given, samples }
  }
  const { variant = '2.3' } = given
  const own = variant === '0.26' ? { ...own026, loss: 'l1' } : { ...own23, loss: 'l2' }
  const base = {
    variant,
    dim: 8,
    dimMults: deep,
    size: 16,
    timesteps: 100,
    lr: 1e-3,
    betas: [0.9, 0.99],
    flip: true,
    ...own,
  }
  const all = { model, data: 'icons', ...common, ...base, ...given }
  // Said here, because the package says so only after shinsaku has computed its side.
  if (variant === '2.3' && all.batch * all.accumulate < 16)
    throw new Error(
      `batch ${all.batch} x ${all.accumulate}: denoising-diffusion-pytorch 2.3.4 wants at least 16 in all`,
    )
  const samples = [
    { sampler: 'ddpm', steps: all.timesteps, eta: 0, seed: 11 },
    { sampler: 'ddim', steps: 10, eta: 0, seed: 12 },
    { sampler: 'ddim', steps: 10, eta: 1, seed: 13 },
  ]
  return { ...all, samples }
}

/** In words, without what is as in every other case. */
export function nameOf({
  model,
  variant,
  dim,
  dimMults,
  size,
  width,
  batch,
  accumulate,
  objective,
  schedule,
  loss,
  seed,
  data,
}) {
  const pictures = data === 'icons' ? '' : ', other pictures'
  const common = `${size} px, batch ${batch}${accumulate > 1 ? ` x ${accumulate}` : ''}, seed ${seed}${pictures}`
  if (model === 'dcgan') return `dcgan ${variant}, width ${width}, ${common}`
  return `diffusion ${variant}, dim ${dim} (${dimMults.join(',')}), ${objective}, ${schedule}, ${loss}, ${common}`
}

/** The same, with the number of threads that both sides have. */
export const labelOf = (given) => `${nameOf(given)}, threads: ${given.threads}`

/** The two parts of a label. */
export function partsOf(label) {
  const [, name, threads] = label.match(/^(.*), threads: (\d+)$/)
  return { name, threads }
}

const numbers = new Set(['seed', 'dim', 'width', 'latent', 'size', 'batch', 'accumulate', 'timesteps', 'steps'])

function flagValue(name, given) {
  if (name === 'flip') return given === 'on'
  if (name === 'dim-mults') return given.split(',').map(Number)
  return numbers.has(name) ? Number(given) : given
}

/** The cases that the command line asks for, and where results go. Throws on what is not a flag. @param {string[]} args */
export function readCommandLine(args) {
  const { values } = parseFlags(usage, args)
  const own = Object.entries(values).filter(([name]) => name in caseFlags)
  const given = own.map(([name, value]) => [name === 'dim-mults' ? 'dimMults' : name, flagValue(name, String(value))])
  const table = values.golden ? goldenCases : [...casesDcgan(), ...cases026(), ...cases23()]
  const cases = own.length > 0 ? [Object.fromEntries(given)] : table
  return { cases: cases.map((rest) => complete(rest, Number(values.threads))), output: values }
}
