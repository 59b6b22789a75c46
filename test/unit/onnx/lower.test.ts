/** Recorded walks as ONNX graphs. */
import { expect, test } from 'vitest'
import type { Graph, GraphNode } from '../../../lib/native/addon.ts'
import { multiplyAdds } from '../../../lib/onnx/cost.ts'
import { lower } from '../../../lib/onnx/lower.ts'

const node = (operation: string, inputs: string[], over: Partial<GraphNode> = {}): GraphNode => ({
  layer: 'layer',
  operation,
  inputs,
  attributes: {},
  output: `${operation}_0`,
  shape: [4, 8, 8],
  ...over,
})
const graphOf = (...nodes: GraphNode[]): Graph => ({
  inputs: [{ name: 'x', dtype: 'F32', shape: [3, 8, 8] }],
  nodes,
  output: nodes.at(-1)!.output,
})
const conv = node('conv', ['x', 'w', 'b'], { attributes: { stride: 1, padding: 1 } })

test('values keep their order, weights are those that are no values, and the last node gives the output', () => {
  const { builder, parameters, output } = lower(graphOf(conv, node('silu', ['conv_0'])))
  expect(parameters).toEqual(['w', 'b'])
  expect(builder.nodes.map(({ operator, inputs }) => [operator, inputs])).toEqual([
    ['Conv', ['x', 'w', 'b']],
    ['Sigmoid', ['conv_0']],
    ['Mul', ['conv_0', 'sigmoid_1']],
  ])
  expect(output).toEqual({ name: 'mul_2', shape: [4, 8, 8] })
})

test('an operation without an ONNX form is ONNX_UNSUPPORTED, by its layer', () => {
  expect(() => lower(graphOf(node('origami', ['x'])))).toThrow(
    expect.objectContaining({
      code: 'ONNX_UNSUPPORTED',
      message: expect.stringContaining('"origami" of layer "layer"'),
    }),
  )
})

test('products are counted by hand', () => {
  const attention = node('full_attention', ['conv_0'], { attributes: { heads: 2, head_dim: 4 }, shape: [8, 8, 8] })
  const up = node('conv_transpose', ['conv_0', 'v'], { attributes: { stride: 2 }, shape: [2, 16, 16] })
  const weights = new Map([
    ['w', { shape: [4, 3, 3, 3] }],
    ['v', { shape: [4, 2, 4, 4] }],
  ])
  expect(multiplyAdds(graphOf(conv, attention, up), weights)).toBe(
    4 * 3 * 9 * 64 + 2 * 2 * 64 * 4 * 64 + 4 * 2 * 16 * 64,
  )
})
