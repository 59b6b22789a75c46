// Sets what shinsaku did beside what the reference did: one row for each quantity, identical or with a bound.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openSafetensors } from '../../dist/safetensors/safetensors.js'

const same = (a, b) => Buffer.compare(Buffer.from(a.buffer, a.byteOffset, a.byteLength), b) === 0

/** Largest difference of two lists of numbers, relative to the largest number. */
function distance(a, b) {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let [difference, largest] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    difference = Math.max(difference, Math.abs(a[i] - b[i]))
    largest = Math.max(largest, Math.abs(b[i]))
  }
  return difference === 0 ? 0 : difference / (largest || 1)
}

async function readTensors(path) {
  const reader = await openSafetensors(path)
  try {
    /** @type {(tensor: { name: string }) => Promise<[string, Buffer]>} */
    const read = async ({ name }) => [name, Buffer.from(await reader.read(name))]
    return new Map(await Promise.all(reader.tensors.map(read)))
  } finally {
    await reader.close()
  }
}

const floatsOf = (bytes) => new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))

/** Rows about weights, averages, gradients and moments after `step` updates. */
async function tensorRows(out, step, ours, labels) {
  const reference = await readTensors(join(out, `reference-${step}.safetensors`))
  return Object.entries(labels).flatMap(([kind, label]) => {
    const names = [...reference.keys()].filter((name) => name.startsWith(`${kind}/`))
    if (names.length === 0) return []
    const mine = [...ours.keys()].filter((name) => name.startsWith(`${kind}/`))
    const missing = names.length !== mine.length || names.some((name) => !ours.has(name))
    if (missing)
      throw new Error(`${kind} after ${step}: ${names.length} tensors there, ${mine.length} here, or other names`)
    const unequal = names.filter((name) => !same(ours.get(name), reference.get(name)))
    const bound = Math.max(0, ...unequal.map((name) => distance(ours.get(name), floatsOf(reference.get(name)))))
    return [{ quantity: label, identical: unequal.length === 0, bound: unequal.length === 0 ? null : bound }]
  })
}

const row = (quantity, bound) => ({ quantity, identical: bound === 0, bound: bound === 0 ? null : bound })

/** Share of the entries of two lists that differ. */
function share(a, b) {
  if (a.length !== b.length) return 1
  return a.filter((value, i) => value !== b[i]).length / Math.max(a.length, 1)
}

async function drawRows({ out }, reference, replay) {
  const all = (steps, key) => steps.flatMap(({ batches }) => batches.flatMap((batch) => batch[key] ?? []))
  const both = (key) => share(all(replay.steps, key), all(reference.steps, key))
  const rows = [row('order of pictures', both('order')), row('flips', both('flips'))]
  if (all(reference.steps, 't').length > 0) rows.push(row('time steps', both('t')))
  if (both('noise') === 0) rows.push(row('noise', 0))
  else {
    const noise = (who) => readTensors(join(out, `${who}-noise.safetensors`))
    const [mine, theirs] = [await noise('ours'), await noise('reference')]
    // Where not even the first noise is near, the streams have parted.
    rows.push(row('noise', distance(floatsOf(mine.get('noise')), floatsOf(theirs.get('noise'))) || 1))
  }
  const continues = replay.steps.filter((step) => !step.continues).length / replay.steps.length
  rows.push(row('random stream', replay.generator === reference.generator ? continues : 1))
  return rows
}

/** Every row of a case. `ours` is what runOurs() gave. */
export async function compare(given, ours) {
  const { reference, replay } = JSON.parse(await readFile(join(given.out, 'reference.json'), 'utf8'))
  const rows = await tensorRows(given.out, 0, ours.snapshots[0], { weights: 'initial weights' })
  rows.push(...(await drawRows(given, reference, replay)))
  const lossesOf = ({ losses, loss }) => Object.values(losses ?? { loss })
  const theirs = reference.steps.flatMap(lossesOf)
  rows.push(row(`loss of ${given.steps} updates`, distance(ours.losses.flatMap(Object.values), theirs)))
  for (const step of given.snapshots) {
    const after = `after ${step}`
    const labels = {
      gradients: `gradients of update ${step}`,
      moments: `Adam moments ${after}`,
      weights: `weights ${after}`,
      ema: `EMA ${after}`,
    }
    rows.push(...(await tensorRows(given.out, step, ours.snapshots[step], labels)))
  }
  for (const [name, pixels] of Object.entries(reference.samples))
    rows.push(row(`sample ${name}`, distance(ours.samples[name], pixels)))
  return { rows, versions: reference.versions, reference, replay }
}
