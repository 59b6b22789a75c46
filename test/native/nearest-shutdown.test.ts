/** A search among many pictures ends early when the native part is shut down. Its own file: nothing can be called after. */
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { loadAddon } from '../../lib/native/load.ts'

test('nearest() rejects with SHUT_DOWN, long before it would be through', async () => {
  const addon = await loadAddon()
  const picture = [128, 128, 3] as const
  const bytes = 128 * 128 * 3
  // Each is nearer than the one before, so that every pair is compared to its end.
  const pixels = new Uint8Array(250 * bytes)
  for (let i = 0; i < 250; i++) pixels.fill(255 - i, i * bytes)
  const index = await addon.pixelIndex(pixels, [250, ...picture], 2)
  const queries = new Uint8Array(1000 * bytes)
  const search = index.nearest(queries, [1000, ...picture], { k: 1, metric: 'l2', mirrored: true })
  const ended = search.then(
    () => 'found',
    (error: { code: string }) => error.code,
  )
  await setTimeout(50)
  addon.shutdown()
  expect(await ended).toBe('SHUT_DOWN')
})
