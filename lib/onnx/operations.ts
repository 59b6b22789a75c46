/** What each operation of native/core/ops/graph_ops.cc is in ONNX, opset 17. */
import { attention } from './attention.ts'
import { numberOf, numbersOf } from './attributes.ts'
import type { Operation } from './graph-builder.ts'
import { styleOperations } from './style.ts'

const single =
  (operator: string): Operation =>
  (graph, { inputs }) =>
    graph.node(operator, inputs)

const silu: Operation = (graph, { inputs: [x] }) => graph.node('Mul', [x!, graph.node('Sigmoid', [x!])])

/** x * (1 + erf(x / sqrt 2)) / 2. */
const gelu: Operation = (graph, { inputs: [x] }) => {
  const erf = graph.node('Erf', [graph.node('Mul', [x!, graph.scalar(Math.SQRT1_2)])])
  const half = graph.node('Mul', [x!, graph.scalar(0.5)])
  return graph.node('Mul', [half, graph.node('Add', [erf, graph.scalar(1)])])
}

const square = (size: number, times: number) => ({ ints: Array<number>(times).fill(size) })

const conv: Operation = (graph, node) =>
  graph.node('Conv', node.inputs, {
    strides: square(numberOf(node, 'stride'), 2),
    pads: square(numberOf(node, 'padding'), 4),
  })

const convTranspose: Operation = (graph, node) =>
  graph.node('ConvTranspose', node.inputs, {
    strides: square(numberOf(node, 'stride'), 2),
    pads: square(numberOf(node, 'padding'), 4),
    output_padding: square(numberOf(node, 'output_padding'), 2),
  })

const sinusoids: Operation = (graph, node) => {
  const frequencies = numbersOf(node, 'frequencies')
  const times = graph.node('Reshape', [node.inputs[0]!, graph.ints([-1, 1])])
  const angles = graph.node('Mul', [times, graph.floats(frequencies, [1, frequencies.length])])
  const parts = [graph.node('Sin', [angles]), graph.node('Cos', [angles])]
  return graph.node('Concat', parts, { axis: { i: 1 } })
}

const NORM_EPS = 1e-5

const groupNorm: Operation = (graph, node) => {
  const [x, gain, bias] = node.inputs
  const groups = numberOf(node, 'groups')
  const each = (value: number) => graph.floats(Array<number>(groups).fill(value))
  const unit = graph.node('InstanceNormalization', [graph.reshape(x!, [groups, -1]), each(1), each(0)], {
    epsilon: { f: NORM_EPS },
  })
  const shape = [node.shape[0]!, 1, 1]
  const scaled = graph.node('Mul', [graph.reshape(unit, node.shape), graph.parameter(gain!, shape)])
  return graph.node('Add', [scaled, graph.parameter(bias!, shape)])
}

const overChannels = { axes: { ints: [1] } }

const channelNorm: Operation = (graph, { inputs: [x, gain, bias] }) => {
  const centred = graph.node('Sub', [x!, graph.node('ReduceMean', [x!], overChannels)])
  const variance = graph.node('ReduceMean', [graph.node('Mul', [centred, centred])], overChannels)
  const deviation = graph.node('Sqrt', [graph.node('Add', [variance, graph.scalar(NORM_EPS)])])
  return graph.node('Add', [graph.node('Mul', [graph.node('Div', [centred, deviation]), gain!]), bias!])
}

/** Below this a length is not divided by. */
export const LEAST_LENGTH = 1e-12

const rmsNorm: Operation = (graph, { inputs: [x, gain], shape }) => {
  const length = graph.node('Max', [graph.node('ReduceL2', [x!], overChannels), graph.scalar(LEAST_LENGTH)])
  const scaled = graph.node('Mul', [graph.node('Div', [x!, length]), gain!])
  return graph.node('Mul', [scaled, graph.scalar(Math.sqrt(shape[0]!))])
}

const film: Operation = (graph, { inputs: [x, scale, shift] }) =>
  graph.node('Add', [graph.node('Mul', [x!, graph.node('Add', [scale!, graph.scalar(1)])]), shift!])

/** Where eps is 0, averages that began at 0 may not have moved yet, and are divided by as 1. */
const batchNorm: Operation = (graph, node) => {
  const [x, gain, bias, mean, variance] = node.inputs
  const epsilon = numberOf(node, 'eps')
  const isZero = () => graph.node('Equal', [variance!, graph.scalar(0)])
  const divisor = epsilon > 0 ? variance! : graph.node('Where', [isZero(), graph.scalar(1), variance!])
  return graph.node('BatchNormalization', [x!, gain!, bias!, mean!, divisor], { epsilon: { f: epsilon } })
}

/** [C,H,W] to [4C,H/2,W/2]: SpaceToDepth has another order. */
const pixelUnshuffle: Operation = (graph, { inputs: [x], shape }) => {
  const [channels, height, width] = shape as [number, number, number]
  const blocks = graph.reshape(x!, [channels / 4, height, 2, width, 2])
  return graph.reshape(graph.transpose(blocks, [0, 1, 3, 5, 2, 4]), shape)
}

const upsample: Operation = (graph, { inputs: [x] }) =>
  graph.node('Resize', [x!, '', graph.floats([1, 1, 2, 2])], {
    mode: { s: 'nearest' },
    nearest_mode: { s: 'floor' },
    coordinate_transformation_mode: { s: 'asymmetric' },
  })

const partOfRow: Operation = (graph, node) => {
  const [begin, end] = [numberOf(node, 'begin'), numberOf(node, 'end')]
  const row = graph.reshape(node.inputs[0]!, [-1])
  return graph.node('Slice', [row, graph.ints([begin]), graph.ints([end]), graph.ints([1])])
}

export const operations: Readonly<Record<string, Operation>> = {
  conv,
  conv_transpose: convTranspose,
  linear: (graph, { inputs }) => graph.node('Gemm', inputs, { transB: { i: 1 } }),
  relu: single('Relu'),
  relu6: (graph, { inputs: [x] }) => graph.node('Clip', [x!, graph.scalar(0), graph.scalar(6)]),
  leaky_relu: (graph, { inputs }) => graph.node('LeakyRelu', inputs, { alpha: { f: 0.2 } }),
  elu: single('Elu'),
  tanh: single('Tanh'),
  silu,
  gelu,
  sinusoids,
  group_norm: groupNorm,
  channel_norm: channelNorm,
  rms_norm: rmsNorm,
  film,
  batch_norm: batchNorm,
  linear_attention: attention('linear'),
  full_attention: attention('full'),
  pixel_unshuffle: pixelUnshuffle,
  upsample,
  concat: (graph, { inputs }) => graph.node('Concat', inputs, { axis: { i: 1 } }),
  add: single('Add'),
  part_of_row: partOfRow,
  ...styleOperations,
  reshape: (graph, node) => graph.reshape(node.inputs[0]!, numbersOf(node, 'shape')),
}
