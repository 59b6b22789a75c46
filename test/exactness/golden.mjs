// What came out, for the ordinary tests: test/golden/exactness.json.
import { createHash } from 'node:crypto'
import { nameOf } from './cases.mjs'

/** Hash over the tensors of one kind, in the order of their names. */
function digestOf(tensors, kind) {
  const sha = createHash('sha256')
  const names = [...tensors.keys()].filter((name) => name.startsWith(`${kind}/`)).sort()
  for (const name of names) sha.update(Buffer.from(tensors.get(name).buffer))
  return names.length === 0 ? undefined : sha.digest('hex').slice(0, 16)
}

const sha = (bytes) => createHash('sha256').update(Uint8Array.from(bytes)).digest('hex').slice(0, 16)

/**
 * The numbers of the references, for the ordinary tests: what every processor draws, and for each processor that they
 * were made on its bits. Refuses where shinsaku has other ones: then they are no goldens.
 */
export function goldenOf(summary, results, known) {
  const different = summary.rows.find((row) => !row.identical)
  if (different) throw new Error(`${different.case} differs from its reference: no goldens are written`)
  const cases = results.map(({ given, reference }) => {
    const { samples, snapshots, threads, out, pictures, pixels, data, ...options } = given
    const batches = reference.steps.flatMap(({ batches }) => batches)
    return {
      name: nameOf(given),
      options,
      batches: batches.map(({ order, flips, t, head }) => ({ order, flips, ...(t && { t }), noise: head })),
    }
  })
  const bits = results.map(({ ours, reference }) => {
    const at = Object.entries(ours.snapshots).map(([step, tensors]) => [
      step,
      Object.fromEntries(['weights', 'gradients', 'ema'].map((kind) => [kind, digestOf(tensors, kind)])),
    ])
    return {
      snapshots: Object.fromEntries(at),
      losses: reference.steps.map(({ losses, loss }) => losses ?? { loss }),
      samples: Object.fromEntries(Object.entries(reference.samples).map(([key, pixels]) => [key, sha(pixels)])),
    }
  })
  const { date, libtorch, processor, cpu: name, cpuCapability: capability, versions } = summary
  const made = {
    cpu: { name, capability, threads: results[0].given.threads },
    processor,
    date,
    libtorch,
    versions,
    cases: bits,
  }
  const isOther = ({ cpu }) => cpu.name !== name || cpu.capability !== capability
  return `${JSON.stringify({ cases: drawnAlike(cases, known?.cases), made: [...(known?.made ?? []).filter(isOther), made] })}\n`
}

/** The cases as the file has them; throws where their draws are others than those known from another processor. */
function drawnAlike(cases, known) {
  const drawn = (list) => JSON.stringify(list.map(({ noise, ...rest }) => rest))
  for (const [i, { name, options, batches }] of (known ?? []).entries()) {
    const same = cases[i]?.name === name && JSON.stringify(cases[i].options) === JSON.stringify(options)
    if (!same || drawn(cases[i].batches) !== drawn(batches))
      throw new Error(`${name}: options or draws are not those of test/golden/exactness.json; delete it to begin anew`)
  }
  return known ?? cases
}
