/** Tensors and metadata to and from safetensors files, one tensor in memory at a time. */
import { quoted } from '../errors.ts'
import { openRegular, readFully } from '../files/read.ts'
import { type Written, writeNew } from '../files/write.ts'
import { encodeHeader, invalid, MAX_HEADER_BYTES, type Placed, parseHeader, place } from './header.ts'
import type { TensorInfo } from './tensor-info.ts'

export type Metadata = Record<string, string>

/** An open safetensors file whose header has been checked. */
export type SafetensorsReader = {
  readonly metadata: Readonly<Metadata>
  /** In the order of their bytes. */
  readonly tensors: readonly TensorInfo[]
  /** Bytes of one tensor, little-endian, row-major. */
  read(name: string): Promise<Uint8Array>
  close(): Promise<void>
}

/** Length of the file that `writeSafetensors` would write. */
export function safetensorsBytes(tensors: readonly TensorInfo[], metadata: Metadata = {}): number {
  const placed = place('The file', tensors)
  return encodeHeader({ metadata, tensors: placed }).length + (placed.at(-1)?.end ?? 0)
}

/**
 * Writes a new file and syncs it; `read` is asked for one tensor after the other. The first eight bytes of a
 * safetensors file are the header's length, then come the header and the tensors without gaps.
 */
export function writeSafetensors(
  path: string,
  tensors: readonly TensorInfo[],
  read: (name: string) => Promise<Uint8Array>,
  metadata: Metadata = {},
): Promise<Written> {
  const placed = place(path, tensors)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield encodeHeader({ metadata, tensors: placed })
    for (const { name, begin, end, dtype, shape } of placed) {
      const bytes = await read(name)
      if (bytes.length !== end - begin)
        throw invalid(
          path,
          `tensor ${quoted(name)} has ${bytes.length} bytes, but ${dtype} [${shape}] takes ${end - begin}`,
        )
      yield bytes
    }
  }
  return writeNew(path, chunks())
}

/** Opens a safetensors file. Nothing larger than the header is read before every rule of the format holds. */
export async function openSafetensors(path: string): Promise<SafetensorsReader> {
  const opened = await openRegular(path)
  const { file, bytes } = opened
  try {
    const prefix = Buffer.alloc(8)
    if (bytes < 8 || !(await readFully(opened, prefix, 0))) throw invalid(path, `it has ${bytes} bytes and no header`)
    const stated = prefix.readBigUInt64LE()
    if (stated > MAX_HEADER_BYTES)
      throw invalid(path, `its header claims ${stated} bytes; at most ${MAX_HEADER_BYTES} are allowed`)
    const headerBytes = Number(stated)
    const dataBegin = 8 + headerBytes
    if (dataBegin > bytes) throw invalid(path, `its header claims ${headerBytes} bytes, but only ${bytes - 8} are left`)
    const raw = new Uint8Array(headerBytes)
    if (!(await readFully(opened, raw, 8))) throw invalid(path, 'it became shorter while it was read')
    const { metadata, tensors } = parseHeader(path, raw, bytes - dataBegin)
    const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]))
    return {
      metadata,
      tensors,
      read: async (name) => {
        const tensor: Placed | undefined = byName.get(name)
        if (!tensor) throw invalid(path, `it has no tensor ${quoted(name)}`)
        const content = new Uint8Array(tensor.end - tensor.begin)
        if (!(await readFully(opened, content, dataBegin + tensor.begin)))
          throw invalid(path, 'it became shorter while it was read')
        return content
      },
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}
