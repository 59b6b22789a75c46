/** The bytes of an ONNX file, as they come: weights are read one after the other. Field numbers are those of onnx.proto3. */
import type { TensorInfo } from '../native/addon.ts'
import type { Attribute, Constant, OnnxNode } from './graph-builder.ts'
import { toHalf } from './half.ts'
import type { LoweredGraph } from './lower.ts'
import { Message, prefix } from './protobuf.ts'

/** Read by every runtime of the last years, and has all that is needed. */
const OPSET = 17
const IR_VERSION = 8

const FLOAT = 1
const INT64 = 7
const FLOAT16 = 10

/** Smaller weights stay as they are: nothing is gained. */
const LEAST_HALF_VALUES = 1024

const RAW_DATA = 9
const INITIALIZER = 5
const GRAPH = 7

export type OnnxFile = {
  readonly graph: LoweredGraph
  /** Of the weights in the checkpoint, by the graph's names. */
  readonly weights: ReadonlyMap<string, TensorInfo>
  readonly read: (name: string) => Promise<Uint8Array>
  readonly precision: 'fp32' | 'fp16'
  readonly metadata: Readonly<Record<string, string>>
  readonly producerVersion: string
}

function attribute(name: string, value: Attribute): Message {
  const message = new Message().text(1, name)
  if ('f' in value) return message.float(2, value.f).int(20, 1)
  if ('i' in value) return message.int(3, value.i).int(20, 2)
  if ('s' in value) return message.text(4, value.s).int(20, 3)
  for (const number of value.ints) message.int(8, number)
  return message.int(20, 7)
}

function nodeMessage({ operator, inputs, output, layer, attributes }: OnnxNode): Message {
  const message = new Message()
  for (const input of inputs) message.text(1, input)
  message.text(2, output).text(3, `${layer}/${output}`).text(4, operator)
  for (const [name, value] of Object.entries(attributes)) message.message(5, attribute(name, value))
  return message
}

/** What stands before a tensor's data. */
function tensorHead(name: string, type: number, shape: readonly number[]): Message {
  const message = new Message()
  for (const side of shape) message.int(1, side)
  return message.int(2, type).text(8, name)
}

function valueMessage(name: string, shape: readonly number[]): Message {
  const dims = new Message().message(1, new Message().text(2, 'batch'))
  for (const side of shape) dims.message(1, new Message().int(1, side))
  return new Message().text(1, name).message(2, new Message().message(1, new Message().int(1, FLOAT).message(2, dims)))
}

const constantMessage = (constant: Constant): Message => {
  const { buffer, byteOffset, byteLength } = constant.values
  const type = constant.type === 'float' ? FLOAT : INT64
  return tensorHead(constant.name, type, constant.shape).bytes(RAW_DATA, new Uint8Array(buffer, byteOffset, byteLength))
}

type Weight = { name: string; head: Message; bytes: number; isHalf: boolean }

const elements = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1)

function weightsOf({ graph, weights, precision }: OnnxFile): Weight[] {
  return graph.parameters.map((name) => {
    const values = elements(weights.get(name)!.shape)
    const isHalf = precision === 'fp16' && values >= LEAST_HALF_VALUES
    const shape = graph.builder.reshaped.get(name) ?? weights.get(name)!.shape
    const head = tensorHead(isHalf ? halfName(name) : name, isHalf ? FLOAT16 : FLOAT, shape)
    return { name, head, bytes: values * (isHalf ? 2 : 4), isHalf }
  })
}

const halfName = (name: string) => `${name}.fp16`

const castMessage = (name: string): Message =>
  nodeMessage({
    operator: 'Cast',
    inputs: [halfName(name)],
    output: name,
    layer: name,
    attributes: { to: { i: FLOAT } },
  })

const weightLength = ({ head, bytes }: Weight) => head.length + prefix(RAW_DATA, bytes).length + bytes

/** The file's pieces, and how many bytes they will be. */
export function modelFile(file: OnnxFile): { bytes: number; chunks: () => AsyncGenerator<Uint8Array> } {
  const { graph } = file
  const weights = weightsOf(file)
  const before = new Message()
  for (const { name } of weights.filter(({ isHalf }) => isHalf)) before.message(1, castMessage(name))
  for (const node of graph.builder.nodes) before.message(1, nodeMessage(node))
  before.text(2, 'shinsaku')
  for (const constant of graph.builder.constants.values()) before.message(INITIALIZER, constantMessage(constant))
  const after = new Message()
  for (const { name, shape } of graph.inputs) after.message(11, valueMessage(name, shape))
  after.message(12, valueMessage(graph.output.name, graph.output.shape))
  const inGraph = weights.reduce((sum, weight) => {
    const length = weightLength(weight)
    return sum + prefix(INITIALIZER, length).length + length
  }, before.length + after.length)

  const head = new Message().int(1, IR_VERSION).text(2, 'shinsaku').text(3, file.producerVersion)
  const tail = new Message().message(8, new Message().text(1, '').int(2, OPSET))
  for (const [key, value] of Object.entries(file.metadata)) tail.message(14, new Message().text(1, key).text(2, value))

  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield head.toBytes()
    yield prefix(GRAPH, inGraph)
    yield before.toBytes()
    for (const weight of weights) {
      yield prefix(INITIALIZER, weightLength(weight))
      yield weight.head.toBytes()
      yield prefix(RAW_DATA, weight.bytes)
      const values = await file.read(weight.name)
      yield weight.isHalf ? toHalf(values) : values
    }
    yield after.toBytes()
    yield tail.toBytes()
  }
  return { bytes: head.length + prefix(GRAPH, inGraph).length + inGraph + tail.length, chunks }
}
