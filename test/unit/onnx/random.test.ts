/** The generator of the browser against PyTorch's own, bit for bit. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { TorchGenerator } from '../../../lib/onnx/browser/random.ts'
import { fma } from '../../../lib/onnx/browser/torch-math.ts'
import golden from '../../golden/randn.json' with { type: 'json' }

test.each(Object.entries(golden.draws))('seed and count %s', (name, hash) => {
  const [seed, count] = name.split(' ').map(Number) as [number, number]
  const generator = new TorchGenerator(seed)
  const sha256 = createHash('sha256')
  for (const values of [generator.normal(count), generator.normal(count), generator.uniform(33)])
    sha256.update(new Uint8Array(values.buffer))
  expect(sha256.digest('hex')).toBe(hash)
})

test('only the lowest 32 bits of a seed count, as in PyTorch', () => {
  expect(new TorchGenerator(2 ** 32 + 7).normal(20)).toEqual(new TorchGenerator(7).normal(20))
})

test('a fused product and sum is rounded once', () => {
  // In double the sum lies half way between two singles; what was lost says which is nearer.
  const [a, c] = [1 + 2 ** -23, 2 ** -60]
  const half = 1 + 2 ** -24
  expect(fma(half, 1, c)).toBe(Math.fround(1 + 2 ** -23))
  expect(fma(half, 1, -c)).toBe(1)
  expect(fma(half, 1, 0)).toBe(1)
  expect(fma(a, a, -1)).toBe(Math.fround(2 ** -22 + 2 ** -46))
})
