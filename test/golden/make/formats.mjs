// A safetensors file of every element type and an event file of every kind of event: the same bytes whenever written.
import { join } from 'node:path'

/** Bits of every element type that other programs know. */
export const elementTypes = {
  ...Object.fromEntries(['F64', 'I64', 'U64', 'C64'].map((name) => [name, 64])),
  ...Object.fromEntries(['F32', 'I32', 'U32'].map((name) => [name, 32])),
  ...Object.fromEntries(['F16', 'BF16', 'I16', 'U16'].map((name) => [name, 16])),
  ...Object.fromEntries(['F8_E4M3', 'F8_E5M2', 'F8_E8M0', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'].map((name) => [name, 8])),
  ...Object.fromEntries(['I8', 'U8', 'BOOL'].map((name) => [name, 8])),
  F4: 4,
}

/** Of each type a matrix, a scalar where it fills a byte, and one without elements. */
export const tensors = Object.entries(elementTypes).flatMap(([dtype, bits]) => [
  { name: `${dtype}.matrix`, dtype, shape: [2, 4] },
  ...(bits < 8 ? [] : [{ name: `${dtype}.scalar`, dtype, shape: [] }]),
  { name: `${dtype}.empty`, dtype, shape: [3, 0] },
])

export const metadata = { format: 'pt', 'k\u00f6ln "1"': '\u65b0\u4f5c\n' }

/** Bytes of tensor `name`: a pattern that only knows the name's length and the position; of BOOL 0 and 1. */
export function bytesOf({ name, dtype, shape }) {
  const count = (shape.reduce((product, side) => product * side, 1) * elementTypes[dtype]) / 8
  return Uint8Array.from({ length: count }, (_, i) => (dtype === 'BOOL' ? i % 2 : (name.length * 31 + i * 7) % 256))
}

/** The time at which all events happen, in seconds. */
export const SECONDS = 1_700_000_000.5
export const scalars = [
  [0, { loss: 0.5, imagesPerSecond: 12.25 }],
  [200, { loss: 0.125, lossG: -3 }],
  [5_000_000_000, { loss: 1e-30 }],
]
/** The smallest PNG: one black pixel. */
export const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
  'base64',
)

/** Writes ours.safetensors and one event file into a folder. */
export async function writeFormats(folder, { openEvents, writeSafetensors }) {
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
  const read = async (name) => {
    const tensor = byName.get(name)
    return tensor ? bytesOf(tensor) : new Uint8Array()
  }
  await writeSafetensors(join(folder, 'ours.safetensors'), tensors, read, metadata)
  const { now } = Date
  Date.now = () => SECONDS * 1000
  try {
    const events = await openEvents(folder, SECONDS)
    for (const [images, values] of scalars) await events.scalars(images, values)
    await events.image(200, 'samples', png, 1, 1)
    await events.close()
  } finally {
    Date.now = now
  }
}
