// What is measured: each kind of work with its usual sizes, and who takes part. cases-cuda.mjs has those of a GPU.
import { casesOfCuda } from './cases-cuda.mjs'
import { EVALUATORS } from './flags.mjs'

/** @import { Flags } from './flags.mjs' */
/** @import { SideSettings, Work } from './side.mjs' */

/**
 * One case: `works` are done one after another by the same sides. `key` of a work names its row.
 * @typedef {Omit<SideSettings, 'who'>} CaseSettings
 * @typedef {{ group: string, works: Work[], settings: CaseSettings, who: string[], rounds: number,
 *   name(work?: string): string }} Case
 * @typedef {{ variant?: string, size?: number, batch?: number }} Size
 * @typedef {{ works?: Work[], who: string[], rounds: number, sizes: Size[], name(size: Size, work: string): string }} Kind
 */

const TRAINING = ['shinsaku', 'shinsaku-exact', 'eager', 'channels_last', 'compile']

const heldTo = ', held to '
/** The end of the name of work that --isa held. */
export const HELD = new RegExp(`${heldTo}.*`)

/** `shinsaku-avx2` is what `shinsaku` is there. */
const CANNOT_BE_HELD = ['onnxruntime', 'shinsaku-avx2']

/** @type {Record<string, Kind>} */
const kinds = {
  forward: {
    works: ['forward'],
    who: EVALUATORS,
    rounds: 10,
    sizes: ['2.3', '0.26'].flatMap((variant) => [1, 4].map((batch) => ({ variant, size: 128, batch }))),
    name: ({ variant, size, batch }) => `forward, U-Net ${variant}, ${size} px, batch ${batch}`,
  },
  train: {
    works: ['train'],
    who: TRAINING,
    rounds: 8,
    sizes: [
      { variant: '2.3', size: 64, batch: 4 },
      { variant: '2.3', size: 128, batch: 1 },
      { variant: '2.3', size: 32, batch: 16 },
    ],
    name: ({ variant, size, batch }) => `training step, U-Net ${variant}, ${size} px, batch ${batch}`,
  },
  dcgan: {
    works: ['train', 'forward'],
    who: TRAINING,
    rounds: 8,
    sizes: [{ size: 64, batch: 64 }],
    name: ({ size, batch }, work) =>
      `${work === 'train' ? 'training step' : 'drawing'}, DCGAN, ${size} px, batch ${batch}`,
  },
  // Its peer is our own statement of the papers: there is no program whose licence lets it be run here.
  stylegan2: {
    works: ['train', 'forward'],
    who: ['shinsaku', 'shinsaku-exact', 'eager'],
    rounds: 5,
    sizes: [{ size: 32, batch: 16 }],
    name: ({ size, batch }, work) =>
      `${work === 'train' ? 'training step' : 'drawing'}, StyleGAN2, ${size} px, batch ${batch}`,
  },
  pgan: {
    works: ['train', 'forward'],
    who: ['shinsaku', 'shinsaku-exact', 'eager'],
    rounds: 5,
    sizes: [{ size: 32, batch: 16 }],
    name: ({ size, batch }, work) =>
      `${work === 'train' ? 'training step' : 'drawing'}, PGAN, ${size} px, batch ${batch}`,
  },
  sample: {
    who: ['shinsaku', 'eager'],
    rounds: 3,
    sizes: [{ variant: '2.3', size: 128, batch: 1 }],
    name: ({ variant, size }) => `picture, U-Net ${variant}, ${size} px`,
  },
  startup: {
    works: ['forward'],
    who: ['shinsaku', 'eager', 'compile', 'freezing', 'onnxruntime', 'openvino'],
    rounds: 3,
    sizes: [{ variant: '2.3', size: 128, batch: 1 }],
    name: ({ variant, size }) => `start to first forward, U-Net ${variant}, ${size} px`,
  },
  ingest: { who: ['shinsaku', 'pillow', 'torchvision'], rounds: 3, sizes: [{ size: 128 }], name: () => 'ingest' },
  life: { who: ['shinsaku'], rounds: 1, sizes: [{}], name: () => 'life' },
}

/** Networks of another size than the usual one say so. @param {string} text @param {Flags} flags */
function named(text, { dim, dimMults, isa }) {
  const usual = (dim === 64 && dimMults.join() === '1,2,4,8') || !text.includes('U-Net')
  const held = isa ? `${heldTo}${isa.toUpperCase()}` : ''
  return `${usual ? text : `${text}, dim ${dim} (${dimMults})`}${held}`
}

/**
 * What the flags give in place of the usual sizes.
 * @param {Flags} flags
 * @returns {Size}
 */
export const sizesGiven = ({ variant, size, batch }) =>
  Object.fromEntries(Object.entries({ variant, size, batch }).filter(([, value]) => value !== undefined))

/**
 * @param {string} group
 * @param {Kind} kind
 * @param {Flags} flags
 * @returns {Case[]}
 */
function casesOfKind(group, { works = [], who, rounds, sizes, name }, flags) {
  const wanted = sizes.map((one) => ({ ...one, ...sizesGiven(flags) }))
  const distinct = [...new Map(wanted.map((one) => [JSON.stringify(one), one])).values()]
  const { dim, dimMults, threads, steps, isa } = flags
  const networks = {
    dcgan: { width: 64, latent: 100 },
    stylegan2: { width: 64, latent: 128 },
    pgan: { widths: [128, 128, 64, 32], latent: 128 },
  }
  const model = group === 'dcgan' || group === 'stylegan2' || group === 'pgan' ? group : 'unet'
  const network = model === 'unet' ? { dim, dimMults } : networks[model]
  return distinct.map((one) => ({
    group,
    works,
    settings: {
      model,
      ...{ works, device: 'cpu', precision: 'fp32', seed: 3407, threads, steps, isa },
      ...{ ...network, size: 128, batch: 1, ...one },
    },
    who: who.filter((name) => flags.who.includes(name) && !(isa && CANNOT_BE_HELD.includes(name))),
    rounds: flags.rounds ?? rounds,
    name: (work = '') => named(name(one, work), flags),
  }))
}

/** The cases that the flags ask for; a size or batch given stands in place of the usual ones. @param {Flags} flags */
export function casesOf(flags) {
  if (flags.device === 'cuda') return casesOfCuda(flags)
  return flags.only.flatMap((group) => {
    const kind = kinds[group]
    return kind ? casesOfKind(group, kind, flags) : []
  })
}
