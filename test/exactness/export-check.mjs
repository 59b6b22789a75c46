#!/usr/bin/env node
// Trains a little, exports, lets the Python program load the file strictly and sample with it, and compares the bytes.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFlags } from '../../scripts/flags.mjs'

readFlags({
  command: 'node test/exactness/export-check.mjs',
  about: `Trains a little, exports, lets the Python program load the file strictly and sample with it, and compares the bytes.
Needs a build; makes the Python that it needs, as npm run exactness does.`,
})
const { exportWeights, load, train } = await import('../../dist/index.js')
const { openReferences } = await import('./venv.mjs')

const runReference = await openReferences((line) => console.error(line))
const folder = mkdtempSync(join(tmpdir(), 'shinsaku-export-'))
const seed = 11
const place = /** @type {const} */ ({ device: 'cpu', threads: 1 })
const short = { data: 'builtin:icons:8', out: folder, batch: 4, maxImages: 48, previews: 0, exact: true }
const small = { model: 'diffusion', dim: 8, dimMults: [1, 2], size: 16, timesteps: 30 }
const models = [
  { shape: { ...small, variant: '0.26' }, sample: { sampler: 'ddpm' } },
  { shape: { ...small, variant: '2.3' }, sample: { sampler: 'ddpm' } },
  { shape: { model: 'dcgan', size: 32, width: 8, latent: 20 }, sample: { batchNorm: 'running' } },
]

/** Whether both give the same picture. */
async function check({ shape, sample }) {
  const { run, options } = await train({ ...shape, ...short, ...place })
  const file = join(folder, 'model.safetensors')
  const { weights, tensors } = await exportWeights(run, file)
  const model = await load(run, place)
  const { pixels } = await model.sample({ seed, ...sample })
  const ours = createHash('sha256').update(pixels).digest('hex')
  const said = await runReference(
    '../golden/make/exported.py',
    [file, JSON.stringify({ ...options, seed })],
    shape.variant,
  )
  const [loaded, theirs] = said.split('\n').slice(-2)
  console.log(JSON.stringify({ ...shape, weights, tensors, loaded, ours, theirs, equal: ours === theirs }))
  return ours === theirs
}

try {
  for (const model of models) if (!(await check(model))) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
