/** The classifier: its options, the defaults of its two networks, and what it does not do. */
import { z } from 'zod'
import type { Problem } from '../errors.ts'
import { option } from '../options/option-spec.ts'
import { count, rate } from '../options/values.ts'
import { defineModel } from './model.ts'

/** Each of the three convolutions is followed by a pooling that halves the map. */
const CNN_FACTOR = 8

const trainer = {
  size: 64,
  batch: 100,
  accumulate: 1,
  lr: 1e-3,
  clipGradNorm: null,
  betas: [0.9, 0.999],
  emaDecay: null,
  emaEvery: 1,
  maxImages: 50_000,
  checkpointImages: 10_000,
  labels: 'folders',
  width: 16,
  weightDecay: 0,
  flip: false,
  guard: false,
  previews: 0,
} as const

/** What is of models that make pictures. */
const without = { guard: false, previews: 0, emaDecay: null, emaLength: null, time: null } as const

export const classifier = defineModel({
  help: 'Classifier, which says which class a picture is of.',
  networks: [],
  mainLoss: 'loss',
  peakOfKept: { own: 1.5, reference: 2 },
  widthOption: 'units',
  defaultVariant: 'cnn',
  specs: {
    variant: option(
      z.enum(['cnn', 'mlp']),
      'Classifier: "cnn" has three convolutions and a hidden layer, "mlp" two hidden layers alone.',
      { default: 'cnn' },
    ),
    units: option(count(1, 65536), 'Units of each hidden layer.', { default: 100 }),
    width: option(
      count(1, 1024),
      'Channels of the first convolution; the next two have twice and four times as many.',
      {
        default: 16,
      },
    ),
    optimizer: option(
      z.enum(['adam', 'sgd']),
      'Adam, or stochastic gradient descent, which wants an lr of about 0.1.',
      {
        default: 'adam',
      },
    ),
    momentum: option(rate(0, 0.999999), 'Share of the last step that stochastic gradient descent takes again.', {
      default: 0,
    }),
    weightDecay: option(rate(0, 1), 'Weight decay added to the gradients.'),
    attribute: option(
      z.string().min(1).nullable(),
      'Which attribute of the labels is learned, such as a column of a .csv file; null where there is one only.',
      { default: null, placeholder: 'NAME' },
    ),
  },
  defaults: { cnn: trainer, mlp: trainer },
  sampleSpecs: {},
  check(o) {
    const problems: Problem[] = []
    const must = (path: string, message: string) => problems.push({ path, message: `must be ${message}` })
    if (o.labels === null) must('labels', 'given for model "classifier", such as "folders"')
    if (o.variant === 'cnn' && o.size % CNN_FACTOR !== 0)
      must('size', `a multiple of ${CNN_FACTOR} for variant "cnn", but is ${o.size}`)
    if (o.momentum !== 0 && o.optimizer !== 'sgd') must('momentum', `0 for optimizer "${o.optimizer}"`)
    for (const [name, value] of Object.entries(without))
      if (o[name as keyof typeof without] !== value) must(name, `${value} for model "classifier"`)
    return problems
  },
  checkSample: () => [],
  checkWalk: () => [],
  sampleDefaults: () => ({}),
  sampledAtOnce: ({ batch }) => batch,
  previewOptions: () => ({}),
  classifies: true,
  learnsLabels: 'from-the-start',
  timed: { networks: [], imagesFor: () => 0, costOf: () => 1, settings: () => ({}) },
  guard: { args: {}, rows: [], meaning: '' },
  sampleCost: () => 1 / 3,
  canReplay: () => false,
  imagesPerUpdate: (train) => train.batch * train.accumulate,
})
