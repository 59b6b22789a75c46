/** An ONNX graph while operations are added to it: nodes, constants, and the run's weights by name. */
import type { GraphNode } from '../native/addon.ts'

/** Adds the nodes of one operation; returns the name of its result. */
export type Operation = (graph: GraphBuilder, node: GraphNode) => string

export type Attribute = { i: number } | { f: number } | { ints: readonly number[] } | { s: string }

export type OnnxNode = {
  readonly operator: string
  readonly inputs: readonly string[]
  readonly output: string
  readonly layer: string
  readonly attributes: Readonly<Record<string, Attribute>>
}

export type Constant = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly type: 'float'; readonly values: Float32Array }
  | { readonly type: 'int64'; readonly values: BigInt64Array }
)

export class GraphBuilder {
  readonly nodes: OnnxNode[] = []
  readonly constants = new Map<string, Constant>()
  /** Shapes in which parameters are written, where those are not their own. */
  readonly reshaped = new Map<string, readonly number[]>()
  readonly #aliases = new Map<string, string>()
  #layer = ''

  /** Names the layer of the nodes that follow. */
  enter(layer: string): void {
    this.#layer = layer
  }

  /** A node whose output gets a new name, which is returned. */
  node(operator: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
    const output = `${operator.toLowerCase()}_${this.nodes.length}`
    const resolved = inputs.map((name) => this.valueOf(name))
    this.nodes.push({ operator, inputs: resolved, output, layer: this.#layer, attributes })
    return output
  }

  floats(values: readonly number[], shape: readonly number[] = [values.length]): string {
    const name = `floats_${shape.join('x')}_${this.constants.size}`
    this.constants.set(name, { name, shape, type: 'float', values: Float32Array.from(values) })
    return name
  }

  /** One number, once for all that use it. */
  scalar(value: number): string {
    const name = `scalar_${value}`
    this.constants.set(name, { name, shape: [], type: 'float', values: Float32Array.of(value) })
    return name
  }

  /** A list of whole numbers, once for all that use it. */
  ints(values: readonly number[]): string {
    const name = `ints_${values.join('_')}`
    if (!this.constants.has(name)) {
      const list = BigInt64Array.from(values, BigInt)
      this.constants.set(name, { name, shape: [values.length], type: 'int64', values: list })
    }
    return name
  }

  /** A parameter that is written in another shape of as many values. */
  parameter(name: string, shape: readonly number[]): string {
    this.reshaped.set(name, shape)
    return name
  }

  /** Reshapes every picture to `shape`. */
  reshape(value: string, shape: readonly number[]): string {
    return this.node('Reshape', [value, this.ints([0, ...shape])])
  }

  transpose(value: string, perm: readonly number[]): string {
    return this.node('Transpose', [value], { perm: { ints: perm } })
  }

  /** The name `recorded` means `value` from now on. */
  alias(recorded: string, value: string): void {
    this.#aliases.set(recorded, value)
  }

  valueOf(name: string): string {
    return this.#aliases.get(name) ?? name
  }
}
