// Trains a little, exports, lets the Python package load the file strictly and draw with it, and compares the bytes:
// node scripts/export-check.mjs PYTHON FOLDER 2022|2.3. Needs the build; PYTHON and FOLDER as scripts/golden/imported.py says,
// and safetensors beside them.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exportWeights, load, train } from '../dist/index.js'

const [python, packages, unet] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'shinsaku-export-'))
const seed = 11
try {
  const place = { device: 'cpu', threads: 1 }
  const shape = { unet, dim: 8, dimMults: [1, 2], size: 16, timesteps: 30, channels: 3 }
  const short = { data: 'builtin:icons:8', out: folder, batch: 4, maxImages: 48, previews: 0, exact: true }
  const { run, options } = await train({ ...shape, ...short, ...place })
  const file = join(folder, 'model.safetensors')
  const { weights, tensors } = await exportWeights(run, file)
  const model = await load(run, place)
  const { pixels } = await model.sample({ seed, sampler: 'ddpm' })
  const ours = createHash('sha256').update(pixels).digest('hex')
  const program = fileURLToPath(new URL('golden/exported.py', import.meta.url))
  const { schedule, objective } = options
  const given = JSON.stringify({ ...shape, schedule, objective, seed })
  const said = execFileSync(python, [program, packages, file, given], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [loaded, theirs] = said.trim().split('\n').slice(-2)
  console.log(JSON.stringify({ unet, weights, tensors, loaded, ours, theirs, equal: ours === theirs }))
  if (ours !== theirs) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
