/** What calls to `sample()` and `walk()` give: options, and what they want to hear meanwhile. */
import type { SampleOptions } from '../options/types.ts'
import type { WalkOptions } from '../options/walk.ts'
import type { Picture } from './picture.ts'

/** What a call may watch and stop its sampling with. */
export type SampleHooks = {
  /** Aborting rejects with an AbortError between two denoising steps. */
  signal?: AbortSignal | undefined
  /** Called a few times a second with the share of the work that is done, 0 to 1. */
  onProgress?: ((share: number) => void) | undefined
  /** Called with each picture once it is sampled. */
  onPicture?: ((picture: Picture) => void) | undefined
}

export type SampleCall = SampleOptions & SampleHooks
export type WalkCall = WalkOptions & SampleHooks
type WithoutPath<T> = T extends unknown ? Omit<T, 'seeds' | 'steps' | 'loop'> : never
/** What `between()` takes beside its seeds. */
export type BetweenCall = WithoutPath<WalkCall>
