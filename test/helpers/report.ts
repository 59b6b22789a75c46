/** What a report shows, of a run that never was. */
import type { Judgement } from '../../lib/evaluate/metrics.ts'
import type { ReportContent, ShownPair, ShownPicture } from '../../lib/evaluate/report/content.ts'

/** A PNG of one red pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC'

export const picture: ShownPicture = { source: `data:image/png;base64,${PIXEL}`, width: 32, height: 32 }

const at = (value: number, by: number) => ({ value, low: value - by, high: value + by })

export const judgement: Judgement = {
  n: 1024,
  fid: at(18.9, 1.4),
  kid: at(-0.00043, 0.0006),
  mind: at(3.2, 0.4),
  swd: at(12.1, 1),
  precision: at(0.97, 0.01),
  recall: at(0.82, 0.05),
  density: at(1.1, 0.1),
  coverage: at(0.93, 0.03),
  authPct: at(62, 2),
  nnMae: at(19.4, 0.4),
  nnMaeTrain: at(21.3, 1.1),
  nwi: 0.5,
  copyShare: at(0.01, 0.005),
  copyShareHeldOut: null,
  reasons: { copyShareHeldOut: 'no pictures are held out' },
  basis: {
    samples: { count: 1024, size: 32, format: 'png' },
    reference: { name: 'training pictures', count: 142 },
    heldOut: null,
    extractor: { name: 'efficientnet-lite0', sha256: 'a'.repeat(64), width: 1280 },
    nwi: { mae: 19.4, fid: 18.9, channelSum: 39.3 },
    spread: 0.97,
    intervals: { fid: '95 %, by a jackknife' },
  },
  floor: { pictures: 71, fid: at(36, 3), kid: at(0.0001, 0.0004), mind: at(5, 0.4), swd: at(14, 2) },
  versusHeldOut: null,
  verdict: { word: 'good', because: ['1 % of the samples are copies of a training picture.'] },
}

const pair: ShownPair = {
  sample: picture,
  reference: picture,
  sampleName: 'seed 12',
  referenceName: 'a.png',
  distance: 12.5,
  mirrored: true,
}

export const reportContent = (over: Partial<ReportContent> = {}): ReportContent => ({
  shinsaku: '0.1.0',
  date: '2026-01-01T00:00:00.000Z',
  judgement,
  labels: [],
  data: {
    name: 'icons',
    count: 142,
    heldOut: 0,
    size: 32,
    channels: 3,
    digest: 'b'.repeat(64),
    skipped: 1,
    optOut: 2,
    rights: [{ licence: 'MIT', author: 'someone', source: null, count: 142 }],
    warnings: ['142 pictures are few.'],
  },
  run: {
    name: '00000-diffusion-32-icons',
    model: 'diffusion',
    images: 128_000,
    weights: 'averaged',
    seeds: { first: 0, count: 1024 },
    options: [['lr', '0.0001']],
    sampling: [['steps', '20']],
    trainingSeconds: 3600,
  },
  machine: [['Measured on', 'a CPU']],
  curves: {
    loss: [
      {
        name: 'loss',
        points: [
          [0, 0.4],
          [1000, 0.1],
          [2000, 0.02],
        ],
      },
    ],
    heldOut: [],
    copies: [],
  },
  distances: { samples: [10, 12, 19, 25], training: [15, 18, 22] },
  samples: picture,
  reals: picture,
  overTime: [
    { images: 0, picture },
    { images: 1000, picture },
  ],
  pairs: [
    { by: 'pixels', pairs: [pair, pair] },
    { by: 'features', pairs: [{ ...pair, mirrored: false }] },
  ],
  ...over,
})
