// What the GPU benchmark measures, the most important first.

const unet = { model: 'unet', work: 'train', size: 128, dim: 64, dimMults: [1, 2, 4, 8] }
const dcgan = { model: 'dcgan', work: 'train', size: 64, width: 64, latent: 100, precision: 'tf32', batch: 64 }

const peers = ['eager', 'tuned', 'compile']
const own = ['shinsaku', 'shinsaku-reference']

const all = [
  { ...unet, precision: 'tf32', batch: 16, whos: [...peers, ...own] },
  { ...unet, precision: 'bf16', batch: 16, whos: [...peers, 'shinsaku'] },
  { ...dcgan, whos: [...peers, ...own] },
  { ...unet, precision: 'tf32', batch: 32, whos: ['tuned', 'compile', 'shinsaku'] },
  { ...unet, precision: 'bf16', batch: 32, whos: ['tuned', 'compile', 'shinsaku'] },
  { ...unet, precision: 'tf32', batch: 16, whos: ['compile', 'graphs', 'shinsaku'] },
  { ...unet, precision: 'bf16', batch: 16, whos: ['compile', 'graphs', 'shinsaku'] },
  { ...dcgan, whos: ['compile', 'graphs', 'shinsaku'] },
  { ...unet, work: 'forward', precision: 'tf32', batch: 1, whos: [...peers, 'shinsaku'] },
  { ...unet, work: 'forward', precision: 'tf32', batch: 16, whos: [...peers, 'shinsaku'] },
]

/** The same in miniature, for a rehearsal without a GPU. */
const tiny = ({ model, batch, ...rest }) => ({
  ...rest,
  model,
  batch: batch > 16 ? 4 : 2,
  ...(model === 'unet' ? { size: 16, dim: 8, dimMults: [1, 2] } : { size: 32, width: 8, latent: 20 }),
})

const titleOf = ({ model, work, size, dim, dimMults, precision, batch, whos }) => {
  const network = model === 'unet' ? `U-Net 2.3, dim ${dim} (${dimMults})` : 'DCGAN'
  const what = work === 'train' ? 'training step' : 'evaluation for sampling'
  const graphs = whos.includes('graphs') ? ', with CUDA graphs' : ''
  return `${what}, ${network}, ${size} px, batch ${batch}, ${precision}${graphs}`
}

/** The jobs; `only` are parts of titles. */
export function listJobs({ rehearsal, only, whos }) {
  const jobs = (rehearsal ? all.map(tiny) : all).map((job) => ({
    ...job,
    whos: job.whos.filter((who) => !whos || whos.includes(who)),
  }))
  return jobs
    .map((job) => ({ title: titleOf(job), ...job }))
    .filter(({ title }) => !only || only.some((part) => title.includes(part)))
}
