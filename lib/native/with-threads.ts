/** The part of the addon that measures, on a number of CPU threads: each of its functions takes them as its last argument. */
import type { AddonEvaluate, NativeEvaluate } from './evaluate.ts'

/** `threads` are those of every unit of whatever it makes, at least 1. */
export function withThreads(addon: AddonEvaluate, threads: number): NativeEvaluate {
  return {
    pixelIndex: (pixels, shape) => addon.pixelIndex(pixels, shape, threads),
    embedder: (spec, tensors) => addon.embedder(spec, tensors, threads),
    features: (width, keep) => addon.features(width, keep, threads),
    patches: (args) => addon.patches(args, threads),
    frechetDistance: (a, b) => addon.frechetDistance(a, b, threads),
    kernelDistance: (a, b, args) => addon.kernelDistance(a, b, args, threads),
    precisionRecall: (real, fake, args) => addon.precisionRecall(real, fake, args, threads),
    mind: (a, b, args) => addon.mind(a, b, args, threads),
    slicedWasserstein: (a, b, args) => addon.slicedWasserstein(a, b, args, threads),
  }
}
