/** Distillation in the native part: the walk of a teacher, the target of a student, their times, and wrong specs. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Addon, NativeTrainer, Spec } from '../../lib/native/addon.ts'
import { loadAddon } from '../../lib/native/load.ts'
import type { Teacher } from '../../lib/options/teacher.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { drawnPixels, smallSpec, smallTrainer } from '../helpers/specs.ts'

const teacher: Teacher = { run: 'x', images: 0, digest: 'x', weights: 'raw', steps: 4, dim: 8, objective: 'v' }
const student: AnyTrainOptions = { size: 8, timesteps: 100, teacher, distilSteps: 2, emaDecay: null, lr: 8e-3 }
const rows = 4
const values = rows * 3 * 8 * 8

let addon: Addon
beforeAll(async () => {
  addon = await loadAddon()
})

const noise = Float32Array.from({ length: values }, (_, i) => Math.sin(i * 12.9898) * 1.7)
const floats = (bytes: Uint8Array) => new Float32Array(bytes.slice().buffer)
const rms = (a: Float32Array, b: Float32Array) =>
  Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / a.length)

/** Puts every row at its first step, at the given noise. */
async function restart(trainer: NativeTrainer): Promise<void> {
  const place = BigInt64Array.from(Array.from({ length: rows }, () => [0n, 2n]).flat())
  await trainer.load(
    [
      { name: 'trajectory.x', dtype: 'F32', shape: [rows, 3, 8, 8], bytes: new Uint8Array(noise.buffer) },
      { name: 'trajectory.place', dtype: 'I64', shape: [rows, 2], bytes: new Uint8Array(place.buffer) },
    ],
    'same',
  )
}

/** What a network of these weights makes of the noise, after so many of its steps. */
async function walked(spec: Spec, tensors: Parameters<Addon['inferenceModel']>[1], steps: number) {
  const model = await addon.inferenceModel(spec, tensors)
  const seeds = [0, 1, 2, 3]
  const args = { seeds, batch: rows, sampler: 'ddim', steps: spec.distilSteps as number, eta: 0 }
  const sampler = await model.sampler(args, { latents: { shape: [rows, 3, 8, 8], values: noise } })
  for (let i = 0; i < steps; i++) await sampler.step()
  const made = floats(await sampler.values())
  sampler.dispose()
  model.dispose()
  return made
}

async function weightsOf(trainer: NativeTrainer, prefix: string) {
  const tensors = []
  for (const info of await trainer.tensors())
    if (info.name.startsWith(`${prefix}model.`))
      tensors.push({ ...info, name: info.name.slice(prefix.length), bytes: await trainer.tensor(info.name) })
  return tensors
}

/** The tables that a network's schedule makes of options, which its weights come with. */
async function withTables(trainer: NativeTrainer, weights: Awaited<ReturnType<typeof weightsOf>>) {
  const tables = (await trainer.tensors()).filter(({ name }) => /^[a-z_0-9]+$/.test(name))
  const read = []
  for (const info of tables) read.push({ ...info, bytes: await trainer.tensor(info.name) })
  return [...read, ...weights]
}

test('the teacher walks as it samples, and a student that has learned lands where it does', async () => {
  const trainer = await smallTrainer(addon, { ...student, lr: 0 }, rows)
  await restart(trainer)
  await trainer.step(1)
  const half = floats(await trainer.tensor('trajectory.x'))
  await trainer.step(1)
  const whole = floats(await trainer.tensor('trajectory.x'))
  const own = await withTables(trainer, await weightsOf(trainer, 'teacher.'))
  trainer.dispose()
  const spec = smallSpec({ ...student, teacher: { ...teacher, steps: 8 }, distilSteps: 4 })
  expect(rms(half, await walked(spec, own, 2))).toBeLessThan(1e-4)
  expect(rms(whole, await walked(spec, own, 4))).toBeLessThan(1e-4)

  // The same noise again and again: a target that were not the teacher's place could not be met by one step.
  const learning = await smallTrainer(addon, student, rows)
  const before = await withTables(learning, await weightsOf(learning, ''))
  for (let i = 0; i < 60; i++) {
    await restart(learning)
    await learning.step(1)
  }
  const after = await withTables(learning, await weightsOf(learning, ''))
  learning.dispose()
  const far = rms(half, await walked(smallSpec(student), before, 1))
  expect(rms(half, await walked(smallSpec(student), after, 1))).toBeLessThan(far / 3)
}, 60_000)

test('times of fewer steps are among those of more, and begin at the noisiest', async () => {
  const timesOf = async (distilSteps: 16 | 8 | 4 | 2, schedule: 'sigmoid' | 'cosine' | 'linear') => {
    const spec = smallSpec({ ...student, timesteps: 1000, schedule, teacher: { ...teacher, steps: null }, distilSteps })
    const { steps } = await addon.planSampling(spec, { sampler: 'ddim', steps: distilSteps, eta: 0 })
    return steps.map(({ time }) => time)
  }
  for (const schedule of ['sigmoid', 'cosine', 'linear'] as const) {
    const finer = await timesOf(16, schedule)
    expect(finer).toHaveLength(16)
    expect([...finer].sort((a, b) => b - a)).toEqual(finer)
    for (const steps of [8, 4, 2] as const)
      expect(await timesOf(steps, schedule)).toEqual(finer.filter((_, i) => i % (16 / steps) === 0))
    expect(finer[0]).toBe(999)
  }
  // The second of two steps lies where it is decided what the picture shows.
  expect((await timesOf(2, 'sigmoid'))[1]).toBeGreaterThan(550)
  expect((await timesOf(2, 'sigmoid'))[1]).toBeLessThan(700)
})

describe('wrong input', () => {
  const wrong: [string, Record<string, unknown>][] = [
    ['a teacher of as many steps', { teacherSteps: 2 }],
    ['steps that divide nothing', { distilSteps: 3 }],
    ['an objective that is not v', { objective: 'noise' }],
    ['a graph', { graph: true }],
  ]
  test.each(wrong)('%s', async (_, more) => {
    const spec = { ...smallSpec(student), ...more } as Spec
    const images = await addon.images(drawnPixels(rows, 8, 3), [rows, 8, 8, 3], 'cpu')
    await expect(addon.trainer(spec, images)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    images.dispose()
  })

  test('a place that no row can be at', async () => {
    const trainer = await smallTrainer(addon, student, rows)
    const place = BigInt64Array.from([0n, 2n, 5n, 1n, 0n, 0n, 0n, 0n])
    const bytes = new Uint8Array(place.buffer)
    await trainer.load([{ name: 'trajectory.place', dtype: 'I64', shape: [rows, 2], bytes }], 'same')
    await expect(trainer.step(1)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' })
    trainer.dispose()
  })

  test('other steps than its own, and noise on the way', async () => {
    const trainer = await smallTrainer(addon, student, rows)
    const model = await trainer.inferenceModel('raw')
    for (const more of [{ steps: 4 }, { eta: 1 }, { sampler: 'unipc' }]) {
      const args = { seeds: [0], batch: 1, sampler: 'ddim', steps: 2, eta: 0, ...more }
      await expect(model.sampler(args)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    }
    model.dispose()
    trainer.dispose()
  })
})
