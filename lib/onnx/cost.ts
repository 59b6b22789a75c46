/** What one evaluation of a network takes: its products, counted on the recorded walk. */
import type { Graph, GraphNode } from '../native/addon.ts'

const product = (shape: readonly number[]) => shape.reduce((all, side) => all * side, 1)

const area = (shape: readonly number[]) => product(shape.slice(1))

/** `input` is the shape of the first input, `weight` that of the second. */
type Cost = (node: GraphNode, input: readonly number[], weight: readonly number[]) => number

/** Of attention, what is between the projections: every key meets every query, or a small matrix. */
const attention: Cost = ({ operation, attributes, shape }) => {
  const { heads, head_dim: width } = attributes as { heads: number; head_dim: number }
  const positions = area(shape)
  return 2 * heads * positions * width * (operation === 'full_attention' ? positions : width)
}

const costs: Readonly<Record<string, Cost>> = {
  conv: ({ shape }, _, weight) => product(weight) * area(shape),
  conv_transpose: (_, input, weight) => product(weight) * area(input),
  linear: (_, __, weight) => product(weight),
  full_attention: attention,
  linear_attention: attention,
  resample: ({ attributes, shape }) =>
    (product(shape) * (attributes.filter as number[]).length) / (attributes.up as number) ** 2,
}

/** Multiply-adds for one picture; `weights` are shapes by name. */
export function multiplyAdds(
  graph: Graph,
  weights: ReadonlyMap<string, { readonly shape: readonly number[] }>,
): number {
  const shapes = new Map<string, readonly number[]>()
  for (const { name, shape } of graph.inputs) shapes.set(name, shape)
  const swapped = new Map<string, readonly number[]>()
  for (const { operation, inputs, output, shape } of graph.nodes) {
    shapes.set(output, shape)
    if (operation === 'swap') swapped.set(output, weights.get(inputs[0]!)!.shape)
  }
  return graph.nodes.reduce((sum, node) => {
    const [input, weight = ''] = node.inputs
    const cost = costs[node.operation]
    return sum + (cost ? cost(node, shapes.get(input!)!, weights.get(weight)?.shape ?? swapped.get(weight) ?? []) : 0)
  }, 0)
}
