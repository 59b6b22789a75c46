/** Features on a GPU are those of the CPU. Where there is none the test is skipped, and the reason stands in its title. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { resolveDevice } from '../../lib/backend/device.ts'
import type { EmbedderSpec } from '../../lib/native/evaluate.ts'
import { loadNative } from '../../lib/native/load.ts'
import { withThreads } from '../../lib/native/with-threads.ts'
import { hashedPixels, madeUpWeights } from '../helpers/hashed.ts'

type Network = { network: EmbedderSpec['network']; layers: [string, string, number[]][]; features: object }
const { networks } = JSON.parse(readFileSync(new URL('../golden/metrics.json', import.meta.url), 'utf8')) as {
  networks: Network[]
}
const missing = await resolveDevice('cuda').then(
  () => undefined,
  (error: Error) => error.message,
)

test.skipIf(missing !== undefined).each(networks)(
  `$network: those of the CPU${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  async ({ network, layers, features }) => {
    const addon = withThreads((await loadNative()).addon, 2)
    const [pixels, shape] = [hashedPixels(2 * 40 * 36 * 3, 3), [2, 40, 36, 3]]
    const output = Math.max(...Object.keys(features).map(Number))
    const weights = madeUpWeights(layers)
    const [onCpu, onGpu] = await Promise.all(
      ['cpu', 'cuda:0'].map(async (device) => {
        const embedder = await addon.embedder({ network, output, device }, weights)
        return embedder.embed(pixels, shape)
      }),
    )
    const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0))
    expect(norm(onGpu!.map((value, i) => value - onCpu![i]!)) / norm(onCpu!)).toBeLessThan(1e-4)
  },
)
