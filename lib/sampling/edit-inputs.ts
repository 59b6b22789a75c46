/** A picture that a call to the native sampler changes, as it crosses to the addon and as metadata name it. */
import { createHash } from 'node:crypto'
import type { Inputs, Spec } from '../native/addon.ts'

/** What a call changes: a picture, what of it is kept, and how; the same for each seed. */
export type Edit = {
  /** The picture that is changed: uint8 [size, size, channels]. */
  picture?: Uint8Array
  /** What the network turns into pictures, of a shape of its own. */
  input?: { pixels: Uint8Array; size: number; channels: number }
  /** uint8 [size, size]: 1 where a pixel is kept; absent where none is. */
  keep?: Uint8Array
  /** What the native sampler is told beside the options of sampling. */
  args: Spec
}

/** The pictures of a batch of so many seeds as they cross to the addon. */
export function inputsOf(
  { picture, input, keep }: Edit,
  { size, channels }: { size: number; channels: number },
  count: number,
): Inputs {
  const repeated = (bytes: Uint8Array) => {
    const all = new Uint8Array(bytes.length * count)
    for (let i = 0; i < count; i++) all.set(bytes, i * bytes.length)
    return all
  }
  const shape = [count, size, size, channels]
  return {
    ...(picture && { picture: { shape, values: repeated(picture) } }),
    ...(input && {
      input: { shape: [count, input.size, input.size, input.channels], values: repeated(input.pixels) },
    }),
    ...(keep && { keep: { shape: [count, size, size, 1], values: repeated(keep) } }),
  }
}

/** What pictures' metadata say of the edit. */
export const editSettings = ({ picture, input, keep, args }: Edit): Record<string, string | number> => ({
  ...(args as Record<string, number>),
  [input ? 'input' : 'picture']: createHash('sha256')
    .update(input?.pixels ?? picture ?? '')
    .update(keep ?? '')
    .digest('hex')
    .slice(0, 16),
})
