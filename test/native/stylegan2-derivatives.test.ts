/** What StyleGAN2 differentiates twice, beside central differences in double; and what augmentations do. */
import { beforeAll, expect, test } from 'vitest'
import { loadAddon } from '../../lib/native/load.ts'
import { type Case, casesOf } from '../helpers/programs.ts'

let cases: Case[]
beforeAll(() => {
  cases = casesOf('style_check')
}, 900_000)

test('first and second derivatives of every operation, network and augmentation are those of central differences', () => {
  const errors = cases.filter(({ set, error }) => set === 'reference' && error !== undefined)
  expect(errors.length).toBe(2 * (1 + 4 + 2 + 3 + 3))
  expect(errors.filter(({ error }) => !(error! < 1e-4))).toEqual([])
})

test('augmentations change pictures, and leave them as they are where p is 0', () => {
  const changed = Object.fromEntries(cases.filter((c) => c.changed !== undefined).map((c) => [c.name, c.changed!]))
  for (const name of ['diffaugment', 'drawings', 'published'])
    expect(changed[`${name}, always`], name).toBeGreaterThan(0.1)
  for (const name of ['drawings', 'published']) {
    expect(changed[`${name}, never, one colour`], name).toBeLessThan(1e-4)
    expect(changed[`${name}, never, a ramp`], name).toBeLessThan(0.01)
  }
})

test('every set of this processor computes and differentiates as the reference does', async () => {
  const { cpuOps } = await (await loadAddon()).info()
  for (const set of cpuOps) {
    const own = cases.filter((c) => c.set === set)
    expect(own.filter(({ error }) => error !== undefined).length, set).toBeGreaterThan(60)
    expect(own.filter(({ error }) => error !== undefined && !(error < 1e-5))).toEqual([])
    expect(own.filter(({ refused }) => refused !== undefined).map(({ refused }) => refused)).toEqual([1])
  }
})
