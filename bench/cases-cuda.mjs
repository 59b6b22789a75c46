// What is measured on a GPU, the most important first, and what the sides there are called on the page.

/** @import { Case } from './cases.mjs' */
/** @import { Flags } from './flags.mjs' */
/** @import { Work } from './side.mjs' */

/** @type {Record<string, string>} */
export const meanings = {
  eager: 'PyTorch, as the program is published',
  tuned: 'PyTorch, channels_last, fused Adam, foreach EMA, `cudnn.benchmark`',
  compile: 'the same through `torch.compile`',
  graphs: 'the same with `mode="reduce-overhead"` (CUDA graphs)',
  shinsaku: 'shinsaku, as it chooses',
  'shinsaku-reference': "shinsaku, the reference's operations",
  'shinsaku-reference-graph': "shinsaku, the reference's operations in a CUDA graph",
  'shinsaku-cuda': 'shinsaku, its own operations',
  'shinsaku-cuda-graph': 'shinsaku, its own operations in a CUDA graph',
}

/** @type {{ group: string, works: Work[], variant: string, size: number }} */
const unet = { group: 'train', works: ['train'], variant: '2.3', size: 128 }
/** @type {{ group: string, works: Work[], size: number, batch: number, precision: string }} */
const dcgan = { group: 'dcgan', works: ['train'], size: 64, batch: 64, precision: 'tf32' }
const [tf32, bf16] = [{ precision: 'tf32' }, { precision: 'bf16' }]

const peers = ['eager', 'tuned', 'compile']
const best = 'shinsaku-cuda-graph'
// All backends at once would not fit into the memory of one GPU.
const own = ['shinsaku-reference', best]
const backends = ['shinsaku-reference-graph', 'shinsaku-cuda', best]
const graphs = ['compile', 'graphs', best]

/**
 * `note` tells works of the same name apart.
 * @type {{ group: string, works: Work[], size: number, batch: number, precision: string, who: string[], variant?: string,
 *   note?: string }[]}
 */
const all = [
  { ...unet, ...tf32, batch: 16, who: [...peers, ...own] },
  { ...unet, ...bf16, batch: 16, who: [...peers, ...own] },
  { ...dcgan, who: [...peers, 'shinsaku-reference', ...backends] },
  { ...unet, ...tf32, batch: 16, who: backends, note: 'backends of shinsaku' },
  { ...unet, ...bf16, batch: 16, who: backends, note: 'backends of shinsaku' },
  { ...unet, ...tf32, batch: 32, who: ['tuned', 'compile', best] },
  { ...unet, ...bf16, batch: 32, who: ['tuned', 'compile', best] },
  { ...unet, ...tf32, batch: 16, who: graphs, note: 'with CUDA graphs' },
  { ...unet, ...bf16, batch: 16, who: graphs, note: 'with CUDA graphs' },
  { ...dcgan, who: graphs, note: 'with CUDA graphs' },
  { ...unet, group: 'forward', works: ['forward'], ...tf32, batch: 1, who: [...peers, ...own] },
  { ...unet, group: 'forward', works: ['forward'], ...tf32, batch: 16, who: [...peers, ...own] },
]

/** The cases that the flags ask for; of a rehearsal in miniature. @param {Flags} flags @returns {Case[]} */
export function casesOfCuda({ only, who: asked, rehearse, rounds = 8, variant, size, batch, dim, dimMults, threads }) {
  return all.flatMap(({ group, works, who, note, ...usual }) => {
    const isDcgan = group === 'dcgan'
    const sizes = rehearse
      ? { size: isDcgan ? 32 : 16, batch: usual.batch > 16 ? 4 : 2 }
      : { size: size ?? usual.size, batch: batch ?? usual.batch }
    const network = rehearse
      ? isDcgan
        ? { width: 8, latent: 20 }
        : { variant: '2.3', dim: 8, dimMults: [1, 2] }
      : isDcgan
        ? { width: 64, latent: 100 }
        : { variant: variant ?? '2.3', dim, dimMults }
    const what = isDcgan ? 'DCGAN' : `U-Net ${network.variant}, dim ${network.dim} (${network.dimMults})`
    const title = `${group === 'forward' ? 'evaluation for sampling' : 'training step'}, ${what}`
    const name = `${title}, ${sizes.size} px, batch ${sizes.batch}, ${usual.precision}${note ? `, ${note}` : ''}`
    const taking = who.filter((one) => asked.includes(one))
    if (!only.includes(group) || taking.length === 0) return []
    /** @type {Case['settings']} */
    const settings = {
      ...{ model: isDcgan ? 'dcgan' : 'unet', works, device: rehearse ? 'cpu' : 'cuda', tune: true },
      ...{ precision: usual.precision, seed: 3407, threads, ...network, ...sizes },
    }
    return [{ group, works, settings, who: taking, rounds, name: () => name }]
  })
}
