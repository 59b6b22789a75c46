/** The recorded walk of a network as an ONNX graph: every operation becomes the nodes that compute it. */
import { ShinsakuError } from '../errors.ts'
import type { Graph } from '../native/addon.ts'
import { GraphBuilder } from './graph-builder.ts'
import { operations } from './operations.ts'

export type LoweredGraph = {
  readonly builder: GraphBuilder
  readonly inputs: readonly { readonly name: string; readonly shape: readonly number[] }[]
  readonly output: { readonly name: string; readonly shape: readonly number[] }
  /** Names of the weights that it takes. */
  readonly parameters: readonly string[]
}

/** Throws ONNX_UNSUPPORTED for an operation that has no ONNX form here. */
export function lower(graph: Graph): LoweredGraph {
  const builder = new GraphBuilder()
  const values = new Set([...graph.inputs.map(({ name }) => name), ...graph.nodes.map(({ output }) => output)])
  const parameters = new Set<string>()
  for (const node of graph.nodes) {
    const operation = operations[node.operation]
    if (!operation)
      throw new ShinsakuError(
        'ONNX_UNSUPPORTED',
        `The operation "${node.operation}" of layer "${node.layer}" has no ONNX form in this version`,
      )
    for (const name of node.inputs) if (name !== '' && !values.has(name)) parameters.add(name)
    builder.enter(node.layer)
    builder.alias(node.output, operation(builder, node))
  }
  const last = graph.nodes.find(({ output }) => output === graph.output)!
  return {
    builder,
    inputs: graph.inputs,
    output: { name: builder.valueOf(graph.output), shape: last.shape },
    parameters: [...parameters],
  }
}
