// A trainer of a small network over grey pictures, for programs that tests and scripts start.
import { placeOn, toSpec } from '../../dist/backend/placement.js'
import { resolveTrain } from '../../dist/options/resolve.js'

/** `addon` is of any copy of the package. */
export async function smallRun(addon, over = {}) {
  const options = resolveTrain({
    dim: 8,
    dimMults: [1, 2],
    size: 16,
    batch: 4,
    timesteps: 50,
    threads: 1,
    exact: true,
    ...over,
  })
  const { size } = options
  const images = await addon.images(new Uint8Array(16 * size * size * 3), [16, size, size, 3], 'cpu')
  const trainer = await addon.trainer(toSpec(options, placeOn('cpu', options, [])), images)
  images.dispose()
  return { trainer, step: (updates) => trainer.step(updates) }
}
