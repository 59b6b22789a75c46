// What is measured: each kind of work with its usual sizes, and who takes part.
import { DRAWING } from './flags.mjs'

const TRAINING = ['shinsaku', 'shinsaku-exact', 'eager', 'channels_last', 'compile']

const heldTo = ', held to '
/** The end of the name of work that --isa held. */
export const HELD = new RegExp(`${heldTo}.*`)

/** `shinsaku-avx2` is what `shinsaku` is there. */
const CANNOT_BE_HELD = ['onnxruntime', 'shinsaku-avx2']

const all = {
  forward: {
    who: DRAWING,
    rounds: 10,
    sizes: ['2.3', '0.26'].flatMap((variant) => [1, 4].map((batch) => ({ variant, size: 128, batch }))),
    name: ({ variant, size, batch }) => `forward, U-Net ${variant}, ${size} px, batch ${batch}`,
  },
  train: {
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
    works: ['dcgan-train', 'dcgan-draw'],
    who: TRAINING,
    rounds: 8,
    sizes: [{ size: 64, batch: 64 }],
    name: ({ size, batch }, work) =>
      `${work === 'dcgan-train' ? 'training step' : 'drawing'}, DCGAN, ${size} px, batch ${batch}`,
  },
  sample: {
    who: ['shinsaku', 'eager'],
    rounds: 3,
    sizes: [{ variant: '2.3', size: 128, batch: 1 }],
    name: ({ variant, size }) => `picture, U-Net ${variant}, ${size} px`,
  },
  startup: {
    who: ['shinsaku', 'eager', 'compile', 'freezing', 'onnxruntime', 'openvino'],
    rounds: 3,
    sizes: [{ variant: '2.3', size: 128, batch: 1 }],
    name: ({ variant, size }) => `start to first forward, U-Net ${variant}, ${size} px`,
  },
  ingest: { who: ['shinsaku', 'pillow', 'torchvision'], rounds: 3, sizes: [{ size: 128 }], name: () => 'ingest' },
  life: { who: ['shinsaku'], rounds: 1, sizes: [{}], name: () => 'life' },
}

/** The cases that the flags ask for; a size or batch given stands in place of the usual ones. */
export function casesOf({ only, who, rounds, variant, size, batch, dim, dimMults, threads, isa, steps = 8 }) {
  const given = Object.fromEntries(Object.entries({ variant, size, batch }).filter(([, value]) => value !== undefined))
  return only.flatMap((group) => {
    const { sizes, works = [group], ...rest } = all[group]
    const wanted = sizes.map((one) => ({ ...one, ...given }))
    const distinct = [...new Map(wanted.map((one) => [JSON.stringify(one), one])).values()]
    return distinct.map((one) => ({
      group,
      works,
      settings: { dim, dimMults, threads, steps, isa, ...one },
      who: rest.who.filter((name) => who.includes(name) && !(isa && CANNOT_BE_HELD.includes(name))),
      rounds: rounds ?? rest.rounds,
      name: (work) => `${name(rest.name(one, work), { dim, dimMults })}${isa ? `${heldTo}${isa.toUpperCase()}` : ''}`,
    }))
  })
}

/** Networks of another size than the usual one say so. */
function name(text, { dim, dimMults }) {
  const usual = dim === 64 && dimMults.join() === '1,2,4,8'
  return usual || !text.includes('U-Net') ? text : `${text}, dim ${dim} (${dimMults})`
}
