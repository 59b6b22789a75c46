/** Networks as text: a PGAN in the zoo's form at any size, any other model as a table. */
import { expect, test } from 'vitest'
import { networkLines } from '../../../lib/cli/network-text.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'

const layers = [{ name: 'init_conv', operation: 'conv', shape: [16, 8, 8], parameters: 2368 }]

test('layers of a network that its source does not print are a table', () => {
  const lines = ['layers', '  init_conv  conv  16x8x8  2,368']
  for (const model of ['diffusion', 'dcgan'] as const)
    expect(networkLines(resolveTrain({ model }), layers)).toEqual(lines)
})

test('the published network at 512 px: eight scales, the widest first, and one channel more where spread is seen', () => {
  const text = networkLines(resolveTrain({ model: 'pgan', size: 512 }), layers).join('\n')
  expect(text.match(/EqualizedConv2d/g)).toHaveLength(2 * (2 * 7 + 8 + 1))
  expect(text).toContain('(module): Linear(in_features=512, out_features=8192, bias=True)')
  expect(text).toContain('(module): Conv2d(513, 512, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))')
  expect(text).toContain('(module): Conv2d(32, 3, kernel_size=(1, 1), stride=(1, 1))')
  const plain = networkLines(resolveTrain({ model: 'pgan', size: 512, minibatchStd: false }), layers).join('\n')
  expect(plain).not.toContain('Conv2d(513')
})
