// A process with two copies of the package in it: both train at once, and it exits while they do.
// Arguments: the folder of the second copy, a way to end ("exit", or "conflict" for a second libtorch).
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder = '', way] = process.argv.slice(2)
const first = await import('../../dist/native/load.js')
const second = await import(pathToFileURL(join(folder, 'dist', 'native', 'load.js')).href)
const { smallRun } = await import('./small-run.mjs')

const { step } = await smallRun(await first.loadAddon())
if (way === 'conflict') {
  process.env.LIBTORCH = process.env.OTHER_LIBTORCH
  await second.loadAddon().catch((error) => console.log(error.code, error.message))
  console.log('still there', (await step(1)).loss.length)
} else {
  const { step: other } = await smallRun(await second.loadAddon())
  const [a, b] = await Promise.all([step(3), other(3)])
  console.log('same losses', JSON.stringify(a.loss) === JSON.stringify(b.loss))
  for (const work of [step, other]) work(1000).catch(() => {})
  setTimeout(() => process.exit(4), 150)
}
