import { expect, test } from 'vitest'
import { describe as describeRun } from '../../lib/index.ts'
import { shinsaku } from '../helpers/cli.ts'
import { useOwnCache } from '../helpers/runs.ts'

useOwnCache()
const small = { data: 'builtin:icons:4', device: 'cpu' } as const

test('describe says where each option of a recipe comes from, and null without one', async () => {
  const { options, origins } = await describeRun({ ...small, recipe: 'dcgan-pytorch', size: 32 })
  expect(options).toMatchObject({ recipe: 'dcgan-pytorch', model: 'dcgan', batch: 64, size: 32 })
  expect(origins).toMatchObject({ data: 'given', size: 'given', batch: 'stated', seed: 'chosen' })
  expect((await describeRun({ ...small, model: 'dcgan', size: 32 })).origins).toBe(null)
})

test('on the command line', async () => {
  const flags = ['--recipe', 'ozaki2022', '--size', '16', '--dim', '8', '--device', 'cpu']
  const { code, stdout } = await shinsaku('describe', 'builtin:icons:4', ...flags)
  expect(code).toBe(0)
  for (const line of [/size +16 +given/, /seed +3407 +stated by the source/, /batch +16 +our choice/])
    expect(stdout).toMatch(line)
  const wrong = await shinsaku('train', '--recipe', 'ozaki2022', '--model', 'dcgan')
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('"ozaki2022" is for model "diffusion"')])
})
