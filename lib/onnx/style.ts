/** Operations that only style networks and progressively grown ones have, in ONNX. */
import type { GraphNode } from '../native/addon.ts'
import { numberOf, numbersOf } from './attributes.ts'
import type { Operation } from './graph-builder.ts'

/** Of every division by a length. */
const EPS = 1e-8

const channelsOf = ({ shape }: GraphNode) => shape[0]!

/** Each channel times its factor. */
const modulate: Operation = (graph, node) => {
  const [x, factors] = node.inputs
  return graph.node('Mul', [x!, graph.reshape(factors!, [channelsOf(node), 1, 1])])
}

/** 1 / sqrt(sum of squares of style times weight), for each output. */
const demodulation: Operation = (graph, { inputs: [styles, weight] }) => {
  const squares = graph.node('Mul', [weight!, weight!])
  const energy = graph.node('ReduceSum', [squares, graph.ints([2, 3])], { keepdims: { i: 0 } })
  const sums = graph.node('MatMul', [graph.node('Mul', [styles!, styles!]), graph.transpose(energy, [1, 0])])
  return graph.node('Reciprocal', [graph.node('Sqrt', [graph.node('Add', [sums, graph.scalar(EPS)])])])
}

const pixelNorm: Operation = (graph, { inputs: [x] }) => {
  const mean = graph.node('ReduceMean', [graph.node('Mul', [x!, x!])], { axes: { ints: [1] } })
  return graph.node('Div', [x!, graph.node('Sqrt', [graph.node('Add', [mean, graph.scalar(EPS)])])])
}

/** Each channel by itself, so that one filter serves all. With `up` 2, a transposed convolution puts the zeros in. */
const resample: Operation = (graph, node) => {
  const filter = numbersOf(node, 'filter')
  const [up, side] = [numberOf(node, 'up'), Math.sqrt(filter.length)]
  const [before, after] = numbersOf(node, 'padding') as [number, number]
  const given = (length: number) => (length - before - after + side - 1) / up
  const sides = [given(node.shape[1]!), given(node.shape[2]!)]
  const planes = graph.node('Reshape', [node.inputs[0]!, graph.ints([-1, 1, ...sides])])
  const shape = [1, 1, side, side]
  const resampled =
    up === 1
      ? graph.node('Conv', [planes, graph.floats(filter, shape)], { pads: { ints: [before, before, after, after] } })
      : graph.node('ConvTranspose', [planes, graph.floats(filter.toReversed(), shape)], {
          strides: { ints: [up, up] },
          // Of the whole result, what the padding does not reach.
          pads: { ints: [side - 1 - before, side - 1 - before, side - up - after, side - up - after] },
        })
  return graph.node('Reshape', [resampled, graph.ints([-1, ...node.shape])])
}

const noise: Operation = (graph, { inputs: [x, values, strength] }) =>
  graph.node('Add', [x!, graph.node('Mul', [values!, strength!])])

const bias: Operation = (graph, node) => {
  const [x, values] = node.inputs
  return graph.node('Add', [x!, graph.parameter(values!, [channelsOf(node), 1, 1])])
}

export const styleOperations: Readonly<Record<string, Operation>> = {
  modulate,
  demodulation,
  pixel_norm: pixelNorm,
  resample,
  noise,
  bias,
  scale: (graph, node) => graph.node('Mul', [node.inputs[0]!, graph.scalar(numberOf(node, 'factor'))]),
  /** A weight whose inputs and outputs change places. */
  swap: (graph, { inputs: [weight] }) => graph.transpose(weight!, [1, 0, 2, 3]),
}
