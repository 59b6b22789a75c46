/** Editing pictures with a model that was trained for nothing but sampling: like, fill, invert, in the API and the commands. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, expect, test } from 'vitest'
import type { Model } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawFaces } from '../helpers/pictures.ts'
import { errorOf, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const data = sharedFolder()
const files = sharedFolder()
const runs = sharedFolder()
const photo = join(data, 'face-00.png')
const mask = join(files, 'mask.png')
let model: Model
beforeAll(async () => {
  await drawFaces(data, 12, 16)
  const white = { create: { width: 8, height: 16, channels: 3 as const, background: '#fff' } }
  const black = sharp({ create: { width: 16, height: 16, channels: 3, background: '#000' } })
  await black
    .composite([{ input: await sharp(white).png().toBuffer(), left: 8, top: 0 }])
    .png()
    .toFile(mask)
  model = await tinyRun(runs, data, { maxImages: 40 })
})

const wrong = async (work: PromiseLike<unknown>) => (await errorOf(Promise.resolve(work))).message

test('like() keeps more of the picture with less strength; one seed is one variation', async () => {
  const call = { count: 2, steps: 3, strength: 0.1 }
  const near = await model.like(photo, call)
  expect(near.count).toBe(2)
  expect((await model.like(photo, call)).pixels).toEqual(near.pixels)
  const original = new Uint8Array(await sharp(photo).removeAlpha().raw().toBuffer())
  const from = (pixels: Uint8Array) => original.reduce((sum, value, i) => sum + Math.abs(value - pixels[i]!), 0)
  const far = await model.like(original, { ...call, strength: 1 })
  expect(from(near.pixels)).toBeLessThan(from(far.pixels))
  expect(near.provenance).toMatchObject({ strength: 0.1, picture: expect.stringMatching(/^[0-9a-f]{16}$/) })
  // Pixels of the same picture are the same picture.
  expect((await model.like(original, call)).pixels).toEqual(near.pixels)
})

test('fill() leaves what is black in the mask as it is, to the byte', async () => {
  const original = await sharp(photo).removeAlpha().raw().toBuffer()
  const { pixels } = await model.fill(photo, mask, { steps: 4, jumpLength: 2, resamplings: 2 })
  const half = (bytes: Uint8Array, kept: boolean) => [...bytes].filter((_, i) => Math.floor(i / 3) % 16 < 8 === kept)
  expect(half(pixels, true)).toEqual(half(original, true))
  expect(half(pixels, false)).not.toEqual(half(original, false))
})

test('invert() gives the noise of a picture', async () =>
  expect(await model.invert(photo, { steps: 4, iterations: 1 })).toHaveLength(3 * 16 * 16))

test('what cannot be edited is refused', async () => {
  expect(await wrong(model.like(new Uint8Array(5)))).toMatch(/picture: must be the path of a picture, or 768 bytes/)
  expect(await wrong(model.like(photo, { strength: 2 }))).toMatch(/strength/)
  expect(await errorOf(Promise.resolve(model.like(join(data, 'none.png'))))).toMatchObject({ code: 'FILE_FAILED' })
  expect(await wrong(model.fill(photo, new Uint8Array(7)))).toMatch(/mask: must be/)
  expect(await wrong(model.fill(photo, mask, { sampler: 'unipc' }))).toMatch(/sampler: must be "ddim"/)
  const flat = async (background: string) => {
    const path = join(files, `${background.slice(1)}.png`)
    await sharp({ create: { width: 16, height: 16, channels: 3, background } })
      .png()
      .toFile(path)
    return path
  }
  expect(await wrong(model.fill(photo, await flat('#000000')))).toMatch(/mask: marks nothing to fill/)
  expect(await wrong(model.fill(photo, await flat('#ffffff')))).toMatch(/mask: marks all of the picture/)
  expect(await errorOf(model.invert(photo, { steps: 0 }))).toMatchObject({ code: 'OPTION_INVALID' })
})

test('the commands do the same, and say what filling costs', async () => {
  const out = join(temporaryFolder(), 'like')
  const like = await shinsaku('like', model.run, photo, '-o', out, '-n', '2', '--steps', '2', '--strength', '0.3')
  expect([like.code, readdirSync(out)]).toEqual([0, expect.objectContaining({ length: 2 })])
  const grid = join(temporaryFolder(), 'fill.png')
  const fill = await shinsaku('fill', model.run, photo, mask, '-o', grid, '--steps', '4', '--jump-length', '2')
  expect([fill.code, existsSync(grid)]).toEqual([0, true])
  expect(fill.stderr).toContain('Filling takes 12 passes of the network for each picture.')
  expect((await shinsaku('like', model.run)).code).toBe(2)
  expect((await shinsaku('fill', model.run, photo, photo, '--sampler', 'unipc')).code).toBe(2)
})
