/** Attention in ONNX: what is between its two projections, in the forms of both U-Nets. */
import type { GraphNode } from '../native/addon.ts'
import type { GraphBuilder } from './graph-builder.ts'

const COSINE_SCALE = 16
const LEAST_LENGTH = 1e-12

type Shape = { heads: number; headDim: number; height: number; width: number; pixels: number }

function shapeOf({ attributes, shape }: GraphNode): Shape {
  const [, height, width] = shape as [number, number, number]
  const { heads, head_dim: headDim } = attributes as { heads: number; head_dim: number }
  return { heads, headDim, height, width, pixels: height * width }
}

/** The rows of `value` from `begin` to `end` along `axis`. */
const part = (graph: GraphBuilder, value: string, axis: number, begin: number, end: number) =>
  graph.node('Slice', [value, graph.ints([begin]), graph.ints([end]), graph.ints([axis])])

/** q, k and v, each [N,heads,head_dim,pixels]. */
function projections(graph: GraphBuilder, qkv: string, { heads, headDim, pixels }: Shape): string[] {
  const channels = heads * headDim
  return [0, 1, 2].map((i) =>
    graph.reshape(part(graph, qkv, 1, i * channels, (i + 1) * channels), [heads, headDim, pixels]),
  )
}

/** The learned keys or values before those of the picture, along the axis of positions; `memory` [2,heads,...]. */
function withMemory(graph: GraphBuilder, value: string, memory: string, which: 0 | 1, axis: number): string {
  const own = part(graph, memory, 0, which, which + 1)
  const batch = graph.node('Shape', [value], { start: { i: 0 }, end: { i: 1 } })
  const shape = graph.node('Concat', [batch, graph.ints([1, 1, 1])], { axis: { i: 0 } })
  return graph.node('Concat', [graph.node('Expand', [own, shape]), value], { axis: { i: axis } })
}

const softmax = (graph: GraphBuilder, value: string, axis: number) =>
  graph.node('Softmax', [value], { axis: { i: axis } })

const swapped = (graph: GraphBuilder, value: string) => graph.transpose(value, [0, 1, 3, 2])

/** [N,heads,head_dim,pixels], Shen 2018: keys and values are summed over all positions first. */
function linear(graph: GraphBuilder, node: GraphNode, shape: Shape): string {
  const [qkv, memory] = node.inputs
  let [q, k, v] = projections(graph, qkv!, shape) as [string, string, string]
  if (memory) {
    k = withMemory(graph, k, memory, 0, 3)
    v = withMemory(graph, v, memory, 1, 3)
  }
  const scaled = graph.node('Mul', [softmax(graph, q, -2), graph.scalar(shape.headDim ** -0.5)])
  if (node.attributes.divide_values) v = graph.node('Div', [v, graph.scalar(shape.pixels)])
  // [N,heads,e,d] of the values' e and the keys' d.
  const context = graph.node('MatMul', [v, swapped(graph, softmax(graph, k, -1))])
  return graph.node('MatMul', [context, scaled])
}

const unit = (graph: GraphBuilder, value: string) => {
  const length = graph.node('ReduceL2', [value], { axes: { ints: [-1] } })
  return graph.node('Div', [value, graph.node('Max', [length, graph.scalar(LEAST_LENGTH)])])
}

/** [N,heads,head_dim,pixels], every position against every other. */
function full(graph: GraphBuilder, node: GraphNode, shape: Shape): string {
  const [qkv, memory] = node.inputs
  const [q, k, v] = projections(graph, qkv!, shape) as [string, string, string]
  let [keys, values] = [swapped(graph, k), swapped(graph, v)]
  if (memory) {
    keys = withMemory(graph, keys, memory, 0, 2)
    values = withMemory(graph, values, memory, 1, 2)
  }
  const isCosine = node.attributes.cosine === true
  const logits = isCosine
    ? graph.node('MatMul', [swapped(graph, unit(graph, q)), unit(graph, k)])
    : graph.node('MatMul', [swapped(graph, q), swapped(graph, keys)])
  const scaled = graph.node('Mul', [logits, graph.scalar(isCosine ? COSINE_SCALE : shape.headDim ** -0.5)])
  return swapped(graph, graph.node('MatMul', [softmax(graph, scaled, -1), values]))
}

/** Input: q, k and v on top of each other [N,3*heads*head_dim,H,W], and perhaps the memory. */
export const attention =
  (kind: 'linear' | 'full') =>
  (graph: GraphBuilder, node: GraphNode): string => {
    const shape = shapeOf(node)
    const out = (kind === 'linear' ? linear : full)(graph, node, shape)
    return graph.reshape(out, [shape.heads * shape.headDim, shape.height, shape.width])
  }
