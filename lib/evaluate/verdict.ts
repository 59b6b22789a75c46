/** Says in one word whether samples are good, new or copied, by a rule that anyone can check on the numbers. */
import { boundsOf, centreOf, type Judged, type Measured, type Verdict } from './metrics.ts'

/** Fewer samples, or fewer training pictures, and a share of copies says nothing. */
const FEWEST_SAMPLES = 64
const FEWEST_PICTURES = 16
/** A share of copies that is let pass where held-out pictures do not show a higher one. */
const SHARE_LET_PASS = 0.05
/** Samples nearer to a training picture than this part of what those have among each other are not called new. */
const NEAR = 0.5
/** Less varied than this part of the training pictures is too narrow, and far less is a collapse. */
const NARROW = 0.7
const COLLAPSED = 0.1
/** More varied than this is noise, or contrast that the training pictures do not have. */
const WILD = 1.4
/** At least this share of samples must look like training pictures, and of those be reached by samples. */
const LIKE = 0.6
const REACHED = 0.4
/** How much further than halves of the training pictures from each other samples may be from them, in pixels. */
const FARTHER = 1.5

export type Evidence = Pick<
  Judged,
  'n' | 'copyShare' | 'copyShareHeldOut' | 'nnMae' | 'nnMaeTrain' | 'precision' | 'recall' | 'swd'
> & {
  /** Training pictures. */
  pictures: number
  spread: number
  /** Sliced Wasserstein distance between halves of the training pictures. */
  swdFloor: Measured
}

const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 && share > 0 ? 1 : 0)} %`

type Newness = { answer: 'new' | 'copied' | 'unknown'; because: string[] }

function newnessOf({ n, pictures, copyShare, copyShareHeldOut, nnMae, nnMaeTrain }: Evidence): Newness {
  const share = boundsOf(copyShare)
  if (n < FEWEST_SAMPLES || pictures < FEWEST_PICTURES || share === null)
    return {
      answer: 'unknown',
      because: [
        `${n} samples against ${pictures} pictures are too few to tell copies from new works: ${FEWEST_SAMPLES} and ${FEWEST_PICTURES} are the least.`,
      ],
    }
  const heldOut = centreOf(copyShareHeldOut)
  const passing = Math.max(SHARE_LET_PASS, heldOut ?? 0)
  const found = `${percent(centreOf(copyShare)!)} of the samples are copies of a training picture`
  const reference =
    heldOut === null
      ? 'there are no held-out pictures to compare that with'
      : `of pictures by the same hand that the model has not seen, ${percent(heldOut)} look like copies`
  const because = [`${found}; ${reference}.`]
  if (share.low > passing) return { answer: 'copied', because }
  const [near, among] = [centreOf(nnMae), centreOf(nnMaeTrain)]
  if (near !== null && among !== null && near < NEAR * among)
    return {
      answer: 'unknown',
      because: [
        ...because,
        `Even so, samples are nearer to a training picture (${near.toFixed(1)} of 255) than half of what those are from each other (${among.toFixed(1)}): look at the pairs.`,
      ],
    }
  if (share.high > passing && share.low > 0)
    return { answer: 'unknown', because: [...because, 'More samples would tell whether that is more than chance.'] }
  return { answer: 'new', because }
}

type Quality = { answer: 'good' | 'weak' | 'unknown'; because: string[] }

function varietyOf({ spread }: Evidence): Quality {
  const share = percent(spread)
  if (spread < COLLAPSED)
    return {
      answer: 'weak',
      because: [`The model has collapsed: samples have ${share} of the variety of the training pictures.`],
    }
  if (spread < NARROW)
    return { answer: 'weak', because: [`Samples are too alike: ${share} of the variety of the training pictures.`] }
  if (spread > WILD)
    return {
      answer: 'weak',
      because: [`Samples are wilder than the training pictures: ${share} of their variety. That may be noise.`],
    }
  return { answer: 'good', because: [`Samples are about as varied as the training pictures (${share}).`] }
}

function likenessOf({ precision, recall, swd, swdFloor }: Evidence): Quality {
  const [like, reached] = [centreOf(precision), centreOf(recall)]
  if (like !== null && reached !== null)
    return {
      answer: like >= LIKE && reached >= REACHED ? 'good' : 'weak',
      because: [
        `${percent(like)} of the samples look like training pictures, and ${percent(reached)} of those are within the reach of the samples (a good model has at least ${percent(LIKE)} and ${percent(REACHED)}).`,
      ],
    }
  const [distance, floor] = [centreOf(swd), centreOf(swdFloor)]
  if (distance === null || floor === null)
    return {
      answer: 'unknown',
      because: ['Without an extractor, and with so few pictures, likeness was not measured.'],
    }
  const times = distance / floor
  return {
    answer: times <= FARTHER ? 'good' : 'weak',
    because: [
      `In their pixels, samples are ${times.toFixed(1)} times as far from the training pictures as two halves of those are from each other (a good model: at most ${FARTHER}). Only an extractor sees what is in a picture: shinsaku setup --metrics.`,
    ],
  }
}

/**
 * "copied" where the lower bound of the copy share is above 5 % and above the held-out pictures'
 * share. Else "good" or "new" where the samples are far enough from the training pictures, by how like those and how
 * varied they are; else "unknown".
 */
export function verdictOf(evidence: Evidence): Verdict {
  const newness = newnessOf(evidence)
  const [variety, likeness] = [varietyOf(evidence), likenessOf(evidence)]
  const because = [...newness.because, ...variety.because, ...likeness.because]
  if (newness.answer !== 'new') return { word: newness.answer, because }
  return { word: variety.answer === 'good' && likeness.answer === 'good' ? 'good' : 'new', because }
}

/** The rule in plain words, as reports print it. */
export const verdictRule = `Copied: at least ${percent(SHARE_LET_PASS)} of the samples, and more than of held-out pictures, lie three times nearer to one training picture than to any other (the lower end of the interval counts). Not enough known: fewer than ${FEWEST_SAMPLES} samples or ${FEWEST_PICTURES} pictures, or samples nearer to training pictures than half of what those are from each other, or an interval that does not decide. Good: new, at least ${percent(NARROW)} and at most ${percent(WILD)} as varied as the training pictures, and like them (precision at least ${percent(LIKE)} and recall at least ${percent(REACHED)}; without an extractor, a sliced Wasserstein distance of at most ${FARTHER} times that of the data's own halves). New: everything else.`
