/** Models that turn pictures into others: each condition trains, is asked by its name, and refuses what it was not trained for. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { beforeAll, expect, test } from 'vitest'
import { evaluate, exportWeights, load, type Model, train } from '../../lib/index.ts'
import type { Condition } from '../../lib/options/condition.ts'
import { shinsaku } from '../helpers/cli.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { drawFaces } from '../helpers/pictures.ts'
import { errorOf, sharedFolder, tinyRun, useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const data = sharedFolder()
const runs = sharedFolder()
const photo = join(data, 'face-00.png')
const trained = new Map<Condition, Model>()
const of = (condition: Condition) => trained.get(condition)!
const original = async () => new Uint8Array(await sharp(photo).removeAlpha().raw().toBuffer())
const steps = { steps: 2 }

beforeAll(async () => {
  await drawFaces(data, 8, 16)
  for (const condition of ['lowres', 'lines', 'dark', 'grey', 'mask'] as const)
    trained.set(condition, await tinyRun(runs, data, { condition, maxImages: 8 }))
})

test('each condition is asked by its name, and follows the picture that it is given', async () => {
  const white = new Uint8Array(16 * 16).fill(255)
  const black = new Uint8Array(16 * 16)
  const { pixels } = await of('lines').draw(white, steps)
  expect(pixels).toHaveLength(768)
  expect((await of('lines').draw(black, steps)).pixels).not.toEqual(pixels)
  expect((await of('lines').sample({ input: white, ...steps })).pixels).toEqual(pixels)
  expect((await of('grey').colour(photo, steps)).provenance).toMatchObject({
    input: expect.stringMatching(/^[0-9a-f]{16}$/),
  })
  expect((await of('dark').brighten(photo, { ...steps, count: 2 })).count).toBe(2)
})

test('upscale() scales down to the picture that it was given, within 2 grey levels', async () => {
  const small = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => (i * 37) % 256)
  const { pixels } = await of('lowres').upscale(small, steps)
  const means = small.map((_, i) => {
    const [channel, x, y] = [i % 3, Math.floor(i / 3) % 4, Math.floor(i / 12)]
    let sum = 0
    for (let at = 0; at < 16; at++) sum += pixels[((y * 4 + (at >> 2)) * 16 + x * 4 + (at % 4)) * 3 + channel]!
    return sum / 16
  })
  for (const [i, mean] of means.entries()) expect(Math.abs(mean - small[i]!)).toBeLessThanOrEqual(2)
})

test('fill() in one go keeps what is known, to the byte', async () => {
  const picture = await original()
  const mask = Uint8Array.from({ length: 256 }, (_, i) => (i % 16 < 8 ? 0 : 255))
  const { pixels } = await of('mask').fill(picture, mask, steps)
  const half = (bytes: Uint8Array, kept: boolean) => [...bytes].filter((_, i) => Math.floor(i / 3) % 16 < 8 === kept)
  expect(half(pixels, true)).toEqual(half(picture, true))
  expect(half(pixels, false)).not.toEqual(half(picture, false))
  const message = async (work: PromiseLike<unknown>) => (await errorOf(work)).message
  expect(await message(of('mask').fill(picture, mask, { jumpLength: 2 }))).toMatch(/jumpLength: is not an option/)
  expect(await message(of('mask').fill(picture, new Uint8Array(256)))).toMatch(/mask: marks nothing/)
  expect(await message(of('mask').sample({ input: picture }))).toMatch(/mask: must be given/)
})

test('a resumed run makes the same conditions, to the bit', async () => {
  const whole = await tinyRun(runs, data, { condition: 'dark', maxImages: 16 })
  const resumed = await train({ resume: of('dark').run, data, maxImages: 16 })
  const [a, b] = [await whole.describe(), await resumed.describe()]
  expect(a.weightsSha256).toBe(b.weightsSha256)
})

test('what a model was not trained for is refused, and it says what it can', async () => {
  const wrong = async (work: PromiseLike<unknown>, message: RegExp) =>
    expect(await errorOf(work)).toMatchObject({ code: 'OPTION_INVALID', message: expect.stringMatching(message) })
  await wrong(of('grey').upscale(photo), /trained with condition "grey".*use model\.colour\(picture\)/)
  await wrong(of('lowres').sample(), /input: .*use model\.upscale\(picture\)/)
  await wrong(of('lowres').like(photo), /input: .*upscale/)
  await wrong(of('lowres').walk(), /input: .*upscale/)
  await wrong(of('lowres').upscale(new Uint8Array(768)), /input: must be the path of a picture, or 48 bytes/)
  await wrong(of('grey').sample({ input: photo, mask: photo }), /mask: is for the condition "mask"/)
  expect(await errorOf(of('dark').brighten(join(data, 'none.png')))).toMatchObject({ code: 'FILE_FAILED' })
  const tiny = (more: object) => tinyRun(runs, data, { maxImages: 4, ...more })
  await wrong(tiny({ condition: 'lowres', conditionScale: 3 }), /conditionScale: must divide size 16/)
  await wrong(tiny({ condition: 'grey', channels: 1 }), /condition: "grey" is for pictures in colour/)
  await wrong(tiny({ condition: 'blurred' }), /condition/)
  await wrong(
    tiny({ condition: 'grey', teacher: runs, distilSteps: 4 }),
    /condition: must be null for a model that is distilled/,
  )
  await wrong(
    evaluate(of('lowres').run, { count: 4, extractor: 'none' }),
    /input: this model was trained with condition "lowres"/,
  )
  const plain = await tiny({})
  await wrong(plain.upscale(photo), /upscale needs a model that was trained with condition "lowres"/)
})

test('the commands do the same', async () => {
  const grid = join(temporaryFolder(), 'large.png')
  const done = await shinsaku('upscale', of('lowres').run, photo, '-o', grid, '--steps', '2')
  expect([done.code, existsSync(grid)]).toEqual([0, true])
  const again = await shinsaku('train', '--resume', of('lowres').run)
  expect(again.stderr).toContain('Sample: shinsaku upscale ')
  const refused = await shinsaku('colour', of('lowres').run, photo, '-o', grid)
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('shinsaku upscale')])
})

test('exported weights are asked as the run is', async () => {
  const file = join(temporaryFolder(), 'grey.safetensors')
  await exportWeights(of('grey').run, file)
  const model = await load(file)
  const call = { ...steps, weights: 'ema' as const }
  expect((await model.colour(photo, call)).pixels).toEqual((await of('grey').colour(photo, call)).pixels)
  model.dispose()
})
