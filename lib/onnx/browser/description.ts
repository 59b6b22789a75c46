/** What an exported model says of itself: how it is sampled, what it was made of, and how a browser reads that. */
import type { ExportedForm } from '../../models/model.ts'
import type { SamplingPlan } from '../../native/addon.ts'
import type { LabelAttribute } from '../../options/labels.ts'

export type Description = ExportedForm & {
  /** Of this description; it grows where older readers cannot read it. */
  readonly format: number
  readonly model: string
  readonly size: number
  readonly channels: number
  /** The sampler that `plans` follow; undefined where one pass gives the picture. */
  readonly sampler?: string
  /** One for each number of steps that it can be sampled in, the usual one first; none where one pass gives the picture. */
  readonly plans: readonly SamplingPlan[]
  /** What it can be asked for; absent where it knows no labels. */
  readonly labels?: readonly LabelAttribute[]
  /** Where the model comes from, as `sample()` writes it into pictures. */
  readonly provenance: Readonly<Record<string, unknown>>
}

/** The key of the model's metadata that holds it, as JSON. */
export const descriptionKey = 'shinsaku.sampling'
export const DESCRIPTION_FORMAT = 1

/** Fields of a protobuf message at its top level: number, and where the bytes of a text or message are. */
function* fieldsOf(bytes: Uint8Array): Generator<{ field: number; begin: number; end: number }> {
  let at = 0
  const varint = () => {
    let value = 0
    for (let shift = 1; at < bytes.length; shift *= 128) {
      const byte = bytes[at++]!
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
    throw new Error('ends within a number')
  }
  const skip = [() => varint(), () => (at += 8), undefined, undefined, undefined, () => (at += 4)]
  while (at < bytes.length) {
    const key = varint()
    const [field, type] = [Math.floor(key / 8), key % 8]
    if (type !== 2) {
      const skipOne = skip[type]
      if (!skipOne) throw new Error(`has a field of type ${type}`)
      skipOne()
      continue
    }
    const length = varint()
    if (at + length > bytes.length) throw new Error('is cut off')
    yield { field, begin: at, end: at + length }
    at += length
  }
}

const METADATA = 14

/** Texts of an ONNX file's metadata by key. Throws an Error that says what is wrong with the file. */
export function readMetadata(model: Uint8Array): Map<string, string> {
  const texts = new Map<string, string>()
  const decoder = new TextDecoder()
  for (const { field, begin, end } of fieldsOf(model)) {
    if (field !== METADATA) continue
    const entry = model.subarray(begin, end)
    const parts = [...fieldsOf(entry)].map((part) => decoder.decode(entry.subarray(part.begin, part.end)))
    if (parts.length === 2) texts.set(parts[0]!, parts[1]!)
  }
  return texts
}

function parse(text: string): Partial<Description> | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Throws an Error where the file is no model that `exportOnnx()` wrote, or a newer version's. */
export function readDescription(model: Uint8Array): Description {
  let text: string | undefined
  try {
    text = readMetadata(model).get(descriptionKey)
  } catch (error) {
    throw new Error(`The model is no ONNX file, or damaged: it ${(error as Error).message}`)
  }
  if (text === undefined)
    throw new Error('The ONNX model was not exported by shinsaku: it does not say how it is sampled')
  const description = parse(text)
  if ((description?.format ?? 0) > DESCRIPTION_FORMAT)
    throw new Error(`The ONNX model was exported by a newer version of shinsaku: it has format ${description!.format}`)
  if (description?.format !== DESCRIPTION_FORMAT || !Array.isArray(description.plans))
    throw new Error('The ONNX model is damaged: what it says of its sampling cannot be read')
  return description as Description
}
