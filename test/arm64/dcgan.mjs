// Compares the reference's bits with those that dcgan.py printed on the same processor:
// node dcgan.mjs PACKAGE JSON
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder = '', text = ''] = process.argv.slice(2)
const part = (/** @type {string} */ path) => import(pathToFileURL(join(folder, 'dist', path)).href)
const { loadAddon } = await part('native/load.js')
const { resolveTrain } = await part('options/resolve.js')
const { placeOn, toSpec } = await part('backend/placement.js')

const theirs = JSON.parse(text)
const { size, batch, updates } = theirs
const resolved = resolveTrain({
  model: 'dcgan',
  variant: 'pytorch',
  ...{ size, batch, width: 8, latent: 20, flip: false, threads: 1, exact: true },
})
const addon = await loadAddon()
// The pictures of test/golden/make/goldens.py.
const pixels = new Uint8Array(22 * size * size * 3).map((_, i) => Math.imul(i, 2654435761) >>> 24)
const images = await addon.images(pixels, [22, size, size, 3], 'cpu')
const trainer = await addon.trainer(toSpec(resolved, placeOn('cpu', resolved, [])), images)

async function digest() {
  const names = (await trainer.tensors()).map((/** @type {{ name: string }} */ { name }) => name)
  const sha = createHash('sha256')
  for (const name of names.filter((/** @type {string} */ n) => /^(generator|discriminator)\./.test(n)).sort())
    sha.update(await trainer.tensor(name))
  return sha.digest('hex')
}

const initial = await digest()
const metrics = await trainer.step(updates)
const log = Array.from({ length: updates }, (_, i) =>
  ['lossD', 'lossG', 'dReal', 'dFake'].map((name) => metrics[name][i]),
)
const ours = { initial, log, final: await digest() }
const same = {
  initial: ours.initial === theirs.initial,
  losses: JSON.stringify(ours.log) === JSON.stringify(theirs.log),
  final: ours.final === theirs.final,
}
if (!Object.values(same).every(Boolean)) {
  console.error(JSON.stringify({ same, ours, theirs }))
  process.exit(1)
}
console.log(
  `DCGAN ${size} px: initial weights, ${4 * updates} losses and all weights after ${updates} updates are those of PyTorch ${theirs.torch}`,
)
