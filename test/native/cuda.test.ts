/** The CUDA plugin without a GPU: its kernels and autograd's use of them, run on the CPU; and that nvcc takes them. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { buildPaths, packageRoot } from '../../lib/libtorch/builds.ts'
import { type Case, casesOf } from '../helpers/programs.ts'

describe('kernels, thread by thread', () => {
  let cases: Case[]
  beforeAll(() => {
    cases = casesOf('cuda_check')
  }, 600_000)

  test('all of them', () => {
    const norms = ['Norm', 'NormFilmSilu', 'ConvNormFilmSilu', 'ConvNormSiluAdd']
    for (const operation of [...norms, ...norms.map((name) => `${name} of groups`), 'LinearAttention', 'Down'])
      expect(cases.filter(({ name }) => name.startsWith(`${operation} gradient`)).length, operation).toBeGreaterThan(0)
    for (const norm of ['', ' groups'])
      for (const type of ['float32', 'bfloat16'])
        for (const channels of [64, 128, 256, 512, 1024]) {
          const start = `${type}${norm} ${channels} `
          expect(cases.filter(({ name }) => name.startsWith(start)).length, start).toBeGreaterThan(0)
        }
  })

  test('float32 and sums are within 2e-6 of the equations in double', () => {
    const exact = cases.filter(({ name, error }) => error !== undefined && !/^bfloat16.* (y|dx)$/.test(name))
    expect(exact.filter(({ error }) => !(error! < 2e-6))).toEqual([])
  })

  test('bfloat16 is within half a unit of its last bit', () => {
    const rounded = cases.filter(({ name }) => /^bfloat16.* (y|dx)$/.test(name))
    expect(rounded.length).toBeGreaterThan(0)
    expect(rounded.filter(({ error }) => !(error! < 2 ** -8))).toEqual([])
  })

  test('a second derivative is refused', () => {
    const refusing = cases.filter(({ refused }) => refused === 1)
    expect(refusing.map(({ name }) => name)).toEqual(['the norm', 'linear attention'])
  })
})

const nvcc = [process.env.CUDA_HOME && `${process.env.CUDA_HOME}/bin/nvcc`, 'nvcc', '/usr/local/cuda/bin/nvcc']
  .filter((path) => path !== undefined)
  .find((path) => spawnSync(path!, ['--version']).status === 0)

test.skipIf(!nvcc)(`the plugin is built${nvcc ? '' : ' (skipped: there is no nvcc)'}`, () => {
  expect(existsSync(join(packageRoot, ...buildPaths.plugin))).toBe(true)
})
