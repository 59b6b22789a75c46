/** R51, R52: Python's safetensors and TensorBoard have read the very bytes that are written here. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { openEvents } from '../../lib/run/events.ts'
import { openSafetensors, writeSafetensors } from '../../lib/safetensors/safetensors.ts'
import { temporaryFolder } from '../helpers/folder.ts'

type Entry = { name: string; dtype: string; shape: number[]; sha256: string }
type File = { sha256: string; tensors: Entry[]; metadata: Record<string, string> }
type Golden = {
  ours: File
  theirs: File
  events: {
    name: string
    sha256: string
    scalars: Record<string, [number, number, number][]>
    images: Record<string, [number, number, number, string][]>
  }
}

const test_ = fileURLToPath(new URL('..', import.meta.url))
const golden: Golden = JSON.parse(readFileSync(join(test_, 'golden', 'files.json'), 'utf8'))
const formats = await import(new URL('../golden/make/formats.mjs', import.meta.url).href)
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

async function written(): Promise<string> {
  const folder = temporaryFolder()
  await formats.writeFormats(folder, { openEvents, writeSafetensors })
  return folder
}

/** Everything in a safetensors file, as the golden file has it. */
async function contentOf(path: string): Promise<Omit<File, 'sha256'>> {
  const reader = await openSafetensors(path)
  const tensors: Entry[] = []
  for (const { name, dtype, shape } of reader.tensors)
    tensors.push({ name, dtype, shape, sha256: sha256(await reader.read(name)) })
  await reader.close()
  return { tensors: tensors.sort((a, b) => (a.name < b.name ? -1 : 1)), metadata: { ...reader.metadata } }
}

describe('R51 safetensors', () => {
  test('Python has read what is written: every type, scalars, tensors without elements, metadata', async () => {
    const path = join(await written(), 'ours.safetensors')
    expect(sha256(readFileSync(path))).toBe(golden.ours.sha256)
    const { sha256: _, ...read } = golden.ours
    expect(await contentOf(path)).toEqual(read)
    expect(read.metadata).toEqual(formats.metadata)
    const made = formats.tensors.map((tensor: Entry) => ({ ...tensor, sha256: sha256(formats.bytesOf(tensor)) }))
    expect(read.tensors).toEqual(made.sort((a: Entry, b: Entry) => (a.name < b.name ? -1 : 1)))
    expect(new Set(read.tensors.map(({ dtype }) => dtype)).size).toBe(20)
    expect(read.tensors.filter(({ shape }) => shape.length === 0).length).toBe(19)
    expect(read.tensors.filter(({ shape }) => shape.includes(0)).length).toBe(20)
  })

  test('what Python writes is read', async () => {
    const path = join(test_, 'fixtures', 'python.safetensors')
    expect(sha256(readFileSync(path))).toBe(golden.theirs.sha256)
    const { sha256: _, ...theirs } = golden.theirs
    expect(await contentOf(path)).toEqual(theirs)
    expect(theirs.tensors).toEqual(golden.ours.tensors)
  })
})

test('R52 TensorBoard has read the event file that is written', async () => {
  const folder = await written()
  const { events } = golden
  expect(readdirSync(folder)).toContain(events.name)
  expect(sha256(readFileSync(join(folder, events.name)))).toBe(events.sha256)
  // What it read, as float32 and seconds.
  const expected: Golden['events']['scalars'] = {}
  for (const [step, values] of formats.scalars as [number, Record<string, number>][])
    for (const [tag, value] of Object.entries(values))
      expected[tag] = [...(expected[tag] ?? []), [step, Math.fround(value), formats.SECONDS]]
  expect(events.scalars).toEqual(expected)
  expect(events.images).toEqual({ samples: [[200, 1, 1, sha256(formats.png)]] })
})
