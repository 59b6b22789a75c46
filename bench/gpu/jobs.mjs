// What the GPU benchmark measures, the most important first.

const unet = { model: 'unet', work: 'train', size: 128, dim: 64, dimMults: [1, 2, 4, 8] }
const dcgan = { model: 'dcgan', work: 'train', size: 64, width: 64, latent: 100, precision: 'tf32', batch: 64 }

const peers = ['eager', 'tuned', 'compile']
const best = 'shinsaku-cuda-graph'
// All ways at once would not fit into the memory of one GPU.
const own = ['shinsaku-reference', best]
const ways = ['shinsaku-reference-graph', 'shinsaku-cuda', best]
const drawing = ['shinsaku-reference', best]

const all = [
  { ...unet, precision: 'tf32', batch: 16, whos: [...peers, ...own] },
  { ...unet, precision: 'bf16', batch: 16, whos: [...peers, ...own] },
  { ...dcgan, whos: [...peers, 'shinsaku-reference', ...ways] },
  { ...unet, precision: 'tf32', batch: 16, whos: ways, note: 'ways of shinsaku' },
  { ...unet, precision: 'bf16', batch: 16, whos: ways, note: 'ways of shinsaku' },
  { ...unet, precision: 'tf32', batch: 32, whos: ['tuned', 'compile', best] },
  { ...unet, precision: 'bf16', batch: 32, whos: ['tuned', 'compile', best] },
  { ...unet, precision: 'tf32', batch: 16, whos: ['compile', 'graphs', best], note: 'with CUDA graphs' },
  { ...unet, precision: 'bf16', batch: 16, whos: ['compile', 'graphs', best], note: 'with CUDA graphs' },
  { ...dcgan, whos: ['compile', 'graphs', best], note: 'with CUDA graphs' },
  { ...unet, work: 'forward', precision: 'tf32', batch: 1, whos: [...peers, ...drawing] },
  { ...unet, work: 'forward', precision: 'tf32', batch: 16, whos: [...peers, ...drawing] },
]

/** The same in miniature, for a rehearsal without a GPU. */
const tiny = ({ model, batch, ...rest }) => ({
  ...rest,
  model,
  batch: batch > 16 ? 4 : 2,
  ...(model === 'unet' ? { size: 16, dim: 8, dimMults: [1, 2] } : { size: 32, width: 8, latent: 20 }),
})

const titleOf = ({ model, work, size, dim, dimMults, precision, batch, note }) => {
  const network = model === 'unet' ? `U-Net 2.3, dim ${dim} (${dimMults})` : 'DCGAN'
  const what = work === 'train' ? 'training step' : 'evaluation for sampling'
  return `${what}, ${network}, ${size} px, batch ${batch}, ${precision}${note ? `, ${note}` : ''}`
}

/** The jobs; `only` are parts of titles. */
export function listJobs({ rehearsal, only, whos }) {
  const jobs = (rehearsal ? all.map(tiny) : all).map((job) => ({
    ...job,
    whos: job.whos.filter((who) => !whos || whos.includes(who)),
  }))
  return jobs
    .map((job) => ({ title: titleOf(job), ...job }))
    .filter(({ title, whos }) => whos.length > 0 && (!only || only.some((part) => title.includes(part))))
}
