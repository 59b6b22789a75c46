/** Small specs and pictures for tests of the addon: a whole run in a second on two cores. */

import { placeOn, toSpec } from '../../lib/backend/placement.ts'
import type { ModelName } from '../../lib/models/table.ts'
import type { Addon, NativeTrainer, Spec } from '../../lib/native/addon.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'

// Threads that wait for each other lose more than they gain at this size.
const small: Record<ModelName, AnyTrainOptions> = {
  diffusion: { threads: 1, model: 'diffusion', dim: 8, dimMults: [1, 2], size: 16, batch: 4, timesteps: 50 },
  dcgan: { threads: 1, model: 'dcgan', size: 32, width: 8, latent: 16, batch: 4 },
  pgan: {
    threads: 1,
    model: 'pgan',
    size: 16,
    latent: 16,
    widths: [16, 16, 8],
    batch: 4,
    scaleImages: 8,
    fadeImages: 4,
  },
  stylegan2: {
    threads: 1,
    model: 'stylegan2',
    size: 32,
    channelBase: 256,
    channelMax: 16,
    latent: 16,
    mappingLayers: 2,
    batch: 4,
  },
  classifier: { threads: 1, model: 'classifier', size: 16, units: 8, width: 4, batch: 4 },
}

/** A native spec: small defaults under the given options. Trains and draws with the reference unless `cpuOps` offers more. */
export function smallSpec(options: AnyTrainOptions, cpuOps: readonly string[] = []): Spec {
  const { model = 'diffusion' } = options
  const resolved = resolveTrain({ ...small[model], ...options })
  return toSpec(resolved, placeOn('cpu', resolved, cpuOps))
}

/** `count` smooth random pictures, uint8 NHWC; a little different from each other, and the same every time. */
export function drawnPixels(count: number, size: number, channels: number): Uint8Array {
  const pixels = new Uint8Array(count * size * size * channels)
  for (let n = 0, i = 0; n < count; n++) {
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        for (let c = 0; c < channels; c++) {
          pixels[i++] = 128 + 100 * Math.sin(((x * (c + 1) + y * 2 + n * 7) / size) * 3 + n)
        }
      }
    }
  }
  return pixels
}

/** A trainer over `count` drawn pictures. */
export async function smallTrainer(
  addon: Addon,
  options: AnyTrainOptions,
  count = 10,
  cpuOps: readonly string[] = [],
): Promise<NativeTrainer> {
  const spec = smallSpec(options, cpuOps)
  const shape = [count, spec.size as number, spec.size as number, spec.channels as number]
  const images = await addon.images(drawnPixels(count, shape[1]!, shape[3]!), shape, 'cpu')
  return addon.trainer(spec, images)
}
