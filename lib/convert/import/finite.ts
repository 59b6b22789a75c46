/** Keeps NaN and infinities of imported files out of checkpoints; those of a run are kept out by the native part. */
import { setImmediate } from 'node:timers/promises'
import { quoted, ShinsakuError } from '../../errors.ts'
import type { TensorInfo } from '../../safetensors/tensor-info.ts'

/** All exponent bits set means NaN or infinity: the width of an element in words, and the mask over its highest word. */
const forms: Readonly<Record<string, { words: 1 | 2; bits: 16 | 32; mask: number }>> = {
  F64: { words: 2, bits: 32, mask: 0x7ff00000 },
  F32: { words: 1, bits: 32, mask: 0x7f800000 },
  F16: { words: 1, bits: 16, mask: 0x7c00 },
  BF16: { words: 1, bits: 16, mask: 0x7f80 },
}

/** Looking takes about a millisecond for a piece; the thread is free in between. */
const PIECE_WORDS = 1 << 19

/** Signed where they are 32 bits wide: half of the unsigned ones are no small integers of V8's, which takes twice as long. */
function wordsOf(bytes: Uint8Array, bits: 16 | 32): Uint16Array | Int32Array {
  const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
  return bits === 32
    ? new Int32Array(buffer, byteOffset, length >> 2)
    : new Uint16Array(buffer, byteOffset, length >> 1)
}

/** Position of the first element that is NaN or infinite; undefined where there is none. `bytes` are little-endian. */
export async function firstNotFinite(dtype: string, bytes: Uint8Array): Promise<number | undefined> {
  const form = forms[dtype]
  if (!form) return undefined
  const { words: width, bits, mask } = form
  const words = wordsOf(bytes, bits)
  for (let begin = 0; begin < words.length; begin += PIECE_WORDS) {
    const end = Math.min(words.length, begin + PIECE_WORDS)
    for (let i = begin + width - 1; i < end; i += width) if ((words[i]! & mask) === mask) return (i + 1) / width - 1
    if (end < words.length) await setImmediate()
  }
  return undefined
}

/** Throws WEIGHTS_NOT_FINITE for a tensor that must not be used; `refusal` says for what. */
export async function requireFinite(
  { name, dtype }: Pick<TensorInfo, 'name' | 'dtype'>,
  bytes: Uint8Array,
  refusal: string,
): Promise<void> {
  const at = await firstNotFinite(dtype, bytes)
  if (at === undefined) return
  throw new ShinsakuError(
    'WEIGHTS_NOT_FINITE',
    `${refusal}: element ${at} of tensor ${quoted(name)} is NaN or infinite`,
    { hint: 'Take a checkpoint from before the loss became NaN.', details: { tensor: name, element: at } },
  )
}
