/** How a person reads each number: one plain sentence or two, for the report, the command line and the docs. */
import type { MetricName, Metrics } from './metrics.ts'

export type Explanation = {
  title: string
  /** What question it helps to answer. */
  about: 'newness' | 'quality' | 'index'
  /** How its value is written. */
  form: 'share' | 'percent' | 'distance' | 'number'
  text: string
}

export const explanations: Readonly<Record<MetricName, Explanation>> = {
  copyShare: {
    title: 'Copy share',
    about: 'newness',
    form: 'share',
    text: 'Share of samples that are a training picture again, mirrored or not: three times nearer to it than to any other. 0 % is best; read it beside the same share of the held-out pictures.',
  },
  copyShareHeldOut: {
    title: 'Copy share of held-out pictures',
    about: 'newness',
    form: 'share',
    text: 'The same share for pictures by the same hand that the model has never seen: what chance makes of it, and pictures that are nearly the same.',
  },
  nnMae: {
    title: 'Distance to the nearest training picture (NN-MAE)',
    about: 'newness',
    form: 'distance',
    text: 'How far, on average, a sample is from the training picture nearest to it, in steps of brightness from 0 to 255. 0 is a copy; about as much as the next number is as new as the training pictures are to each other.',
  },
  nnMaeTrain: {
    title: 'The same among the training pictures',
    about: 'newness',
    form: 'distance',
    text: 'How far a training picture is from the nearest of the others: the line to read the number before against.',
  },
  authPct: {
    title: 'AuthPct',
    about: 'newness',
    form: 'percent',
    text: 'Percentage of samples that are farther from their nearest training picture than that one is from its own nearest, as the extractor sees them. 0 means all are copies, or all are alike: read it with recall.',
  },
  fid: {
    title: 'FID',
    about: 'quality',
    form: 'number',
    text: 'Distance between all samples and all training pictures, as the extractor sees them; lower is more alike. Few pictures raise it, so the floor beside it is what to compare with. Copies lower it: it says nothing about newness.',
  },
  kid: {
    title: 'KID',
    about: 'quality',
    form: 'number',
    text: 'The same question as FID without its bias at small numbers: 0 is as alike as chance allows, and a little below 0 is no error. Often quoted times 1000. It does not see copies.',
  },
  mind: {
    title: 'MIND',
    about: 'quality',
    form: 'number',
    text: 'How differently the features of both sets are distributed, seen from a thousand directions; lower is more alike. Few pictures raise it: compare it with the floor. It does not see copies.',
  },
  swd: {
    title: 'Sliced Wasserstein distance (SWD)',
    about: 'quality',
    form: 'number',
    text: 'How differently small patches look, from coarse shapes to fine texture, without any network; lower is more alike. Compare it with the floor.',
  },
  precision: {
    title: 'Precision',
    about: 'quality',
    form: 'share',
    text: 'Share of samples that lie where training pictures lie: whether single samples look right. 100 % is best.',
  },
  recall: {
    title: 'Recall',
    about: 'quality',
    form: 'share',
    text: 'Share of training pictures that lie where samples lie: whether samples are as varied. Near 0 the model makes the same few pictures.',
  },
  density: {
    title: 'Density',
    about: 'quality',
    form: 'number',
    text: 'How crowded with training pictures the places of samples are; about 1 for a perfect model, more where samples keep to what is usual.',
  },
  coverage: {
    title: 'Coverage',
    about: 'quality',
    form: 'share',
    text: 'Share of training pictures that have a sample close by. 100 % is best.',
  },
  nwi: {
    title: 'NWI',
    about: 'index',
    form: 'number',
    text: "The index of Ozaki's study: NN-MAE minus FID, higher is better. FID weighs far more in it, and copies score about 0: it finds no copies. Compare it only with other NWI of this program, size and extractor.",
  },
}

const rounded = (value: number): string => {
  const size = Math.abs(value)
  if (size >= 100) return value.toFixed(0)
  if (size >= 1) return value.toFixed(2)
  return value === 0 ? '0' : value.toPrecision(2)
}

/** A value as people read it. */
export function formatValue(name: keyof Metrics, value: number): string {
  const { form } = explanations[name]
  if (form === 'share') return `${(100 * value).toFixed(1)} %`
  if (form === 'percent') return `${value.toFixed(1)} %`
  return rounded(value)
}
