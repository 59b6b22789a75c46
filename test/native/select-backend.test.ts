/** How a run on a GPU is computed: what is tried, kept and taken. The GPU is this CPU, under another name. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { placeOn } from '../../lib/backend/placement.ts'
import { selectBackend } from '../../lib/backend/select.ts'
import { ShinsakuError } from '../../lib/errors.ts'
import type { Addon } from '../../lib/native/addon.ts'
import { type Loaded, loadNative } from '../../lib/native/load.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { temporaryFolder } from '../helpers/folder.ts'

// Before the cache is another one: libtorch lies in the user's own.
const native = await loadNative()

let cache: string
beforeEach(() => {
  cache = temporaryFolder()
  vi.stubEnv('SHINSAKU_CACHE', cache)
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const small: AnyTrainOptions = { dim: 16, dimMults: [1, 2], size: 16, batch: 4, timesteps: 50, precision: 'fp32' }

/** A machine whose GPU computes as the CPU does. `most`: pictures of a batch for which the reference has memory. */
function machine(most = Number.POSITIVE_INFINITY) {
  const batches: number[] = []
  const addon: Addon = {
    ...native.addon,
    info: async () => ({ ...(await native.addon.info()), cudaKernels: true }),
    images: (pixels, shape) => native.addon.images(pixels, shape, 'cpu'),
    trainer(spec, images) {
      batches.push(spec.batch as number)
      if (spec.ops === 'reference' && (spec.batch as number) > most)
        throw new ShinsakuError('OUT_OF_MEMORY', 'no memory for the reference')
      return native.addon.trainer({ ...spec, device: 'cpu' }, images)
    },
  }
  return { loaded: { ...native, addon, cudaName: 'GPU of a test' } as Loaded, batches }
}

async function choose(loaded: Loaded, given: AnyTrainOptions, log?: (line: string) => void) {
  const options = resolveTrain({ ...small, ...given })
  return selectBackend(loaded, options, placeOn('cuda:0', options, []), log)
}

test('the first run of its kind tries and tells; the next, of other pictures in another folder, takes what is kept', async () => {
  const { loaded, batches } = machine()
  const lines: string[] = []
  expect(await choose(loaded, {})).toMatchObject({ ops: 'reference', graph: false })
  expect(batches).toEqual([])
  const first = await choose(loaded, {}, (line) => lines.push(line))
  expect(lines[0]).toContain('GPU of a test')
  expect(lines.slice(1).map((line) => line.trim().split(':')[0])).toEqual([
    ...['reference', 'reference in a graph', 'cuda', 'cuda in a graph'],
  ])
  const tried = batches.length
  const again: AnyTrainOptions = { seed: 7, data: './elsewhere', out: 'other', maxImages: 9, lr: 1, previews: 0 }
  expect(await choose(loaded, again, () => expect.unreachable('it is on record'))).toEqual(first)
  expect(batches.length).toBe(tried)
  expect(first.samplingOps).toBe(first.ops)
})

test.each<[string, AnyTrainOptions]>([
  ['another batch', { batch: 3 }],
  ['another network', { dim: 24 }],
  ['another precision', { precision: 'tf32' }],
])('%s is tried anew', async (_, given) => {
  const { loaded, batches } = machine()
  await choose(loaded, {}, () => {})
  const tried = batches.length
  await choose(loaded, given, () => {})
  expect(batches.length).toBeGreaterThan(tried)
})

test('exact keeps the reference, and tries nothing', async () => {
  const { loaded, batches } = machine()
  const found = await choose(loaded, { exact: true }, () => expect.unreachable('nothing is tried'))
  expect([found.ops, found.graph, batches]).toEqual(['reference', false, []])
})

test('a record that cannot be read is none', async () => {
  const { loaded, batches } = machine()
  await choose(loaded, {}, () => {})
  const tried = batches.length
  const [name] = readdirSync(join(cache, 'gpu'))
  const path = join(cache, 'gpu', name!)
  writeFileSync(path, readFileSync(path, 'utf8').slice(0, -20))
  await choose(loaded, {}, () => {})
  expect(batches.length).toBe(2 * tried)
})

test('a reference without enough memory is tried with half the pictures; where one is too many that is told', async () => {
  const some = machine(1)
  const found = await choose(some.loaded, {}, () => {})
  expect(some.batches.slice(0, 3)).toEqual([4, 2, 1])
  expect(some.batches.slice(2).every((batch) => batch === 1)).toBe(true)
  expect(found.device).toBe('cuda:0')
  const none = machine(0)
  await expect(choose(none.loaded, { batch: 2 }, () => {})).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' })
})
