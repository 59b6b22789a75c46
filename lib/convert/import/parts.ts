/** Opens files of tensors and takes them apart into state dicts and what is beside them. */
import { openRegular, readFully } from '../../files/read.ts'
import { openPytorch } from '../../pytorch/pytorch.ts'
import { Dict, kindOf, type Value } from '../../pytorch/values.ts'
import { openSafetensors } from '../../safetensors/safetensors.ts'
import { type Exported, readExported } from '../exported.ts'
import { isStateDict, type ReadTensor, type State, type Stored, stateOf, unsupported, unwrapped } from './state.ts'

/** One file. */
export type Parts = {
  path: string
  bytes: number
  /** State dicts by their key at the top; a file that is one alone has it under ''. */
  states: ReadonlyMap<string, State>
  /** The top of a PyTorch file; undefined for a safetensors file. */
  root: Dict | undefined
  /** What exportWeights() put into a safetensors file. */
  exported: Exported | undefined
  read: ReadTensor
  close(): Promise<void>
}

/** A tensor under the name it has in checkpoints here. */
export type Entry = Stored & {
  name: string
  /** Whether another entry is read from the same bytes. */
  copied?: boolean
}

/** What a file is opened for: to go on training with it needs more than to sample. */
export type Purpose = 'train' | 'sample'

/** What was found in files. */
export type Found = {
  /** Options that the files decide. */
  facts: Readonly<Record<string, unknown>>
  /** Options that the files suggest; those given outright win. */
  settings: Readonly<Record<string, unknown>>
  /** What else there is to say, one line each. */
  notes: readonly string[]
  updates: number
  /** Images that the network has seen, where the files say so otherwise than by updates. */
  images?: number
  tensors: readonly Entry[]
}

/** A safetensors file begins with the length of its header, which is below 100 MB and begins with a brace. */
async function looksLikeSafetensors(path: string): Promise<{ bytes: number; safetensors: boolean }> {
  const opened = await openRegular(path)
  try {
    const head = Buffer.alloc(Math.min(9, opened.bytes))
    const read = await readFully(opened, head, 0)
    return {
      bytes: opened.bytes,
      safetensors: read && head.length === 9 && head.readUInt32LE(4) === 0 && head[8] === 0x7b,
    }
  } finally {
    await opened.file.close()
  }
}

/** Opens a file of torch.save or a safetensors file, told apart by their content. */
export async function openParts(path: string): Promise<Parts> {
  const { bytes, safetensors } = await looksLikeSafetensors(path)
  if (safetensors) {
    const reader = await openSafetensors(path)
    const named = reader.tensors.map(
      ({ name, dtype, shape }) => [name, { dtype, shape, read: () => reader.read(name) }] as const,
    )
    const read = () => Promise.reject(unsupported(path, 'has no such tensor'))
    try {
      const states = new Map([['', unwrapped(path, named)]])
      const exported = readExported(path, reader.metadata)
      return { path, bytes, states, root: undefined, exported, read, close: () => reader.close() }
    } catch (error) {
      await reader.close()
      throw error
    }
  }
  const reader = await openPytorch(path)
  try {
    const { root, read } = reader
    if (!(root instanceof Dict))
      throw unsupported(path, `holds ${kindOf(root)}, where a dictionary of tensors was expected`)
    const named: [string, Value][] = isStateDict(root)
      ? [['', root]]
      : root.entries().map(([key, value]) => [String(key), value])
    const states = new Map(
      named.flatMap(([key, value]) => (isStateDict(value) ? [[key, stateOf(path, value as Dict, read)] as const] : [])),
    )
    return { path, bytes, states, root, exported: undefined, read, close: () => reader.close() }
  } catch (error) {
    await reader.close()
    throw error
  }
}
