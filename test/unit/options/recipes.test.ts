import { describe, expect, test } from 'vitest'
import type { ShinsakuError } from '../../../lib/errors.ts'
import { isPublished, optionOrigins, type RecipeName, recipeDefaults, recipes } from '../../../lib/options/recipes.ts'
import { resolveTrain, specsOf } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'

function caught(work: () => unknown): ShinsakuError {
  try {
    work()
  } catch (error) {
    return error as ShinsakuError
  }
  throw new Error('nothing was thrown')
}

const names = Object.keys(recipes) as RecipeName[]

describe('a recipe', () => {
  test.each(names)('%s names options of its model only, and every one of them resolves as it says', (recipe) => {
    const { model, stated, chosen } = recipes[recipe]
    const rows = specsOf(model)
    expect(Object.keys({ ...stated, ...chosen }).filter((name) => !(name in rows))).toEqual([])
    const resolved: Record<string, unknown> = resolveTrain({ recipe })
    expect(resolved).toMatchObject({ recipe, model })
    for (const [name, value] of Object.entries(recipeDefaults(recipe)))
      expect(resolved[name], name).toEqual(rows[name]!.schema.parse(value))
  })

  test('is what its source says', () => {
    expect(resolveTrain({ recipe: 'ozaki2022' })).toMatchObject({
      size: 128,
      seed: 3407,
      flip: true,
      precision: 'tf32',
      maxTime: 12 * 3600,
      variant: '0.26',
      dim: 64,
      dimMults: [1, 2, 4, 8],
    })
    const old = {
      variant: '0.26',
      objective: 'noise',
      schedule: 'cosine',
      loss: 'l1',
      clipGradNorm: null,
      batch: 16,
      lr: 1e-4,
    }
    expect(resolveTrain({ recipe: 'lucidrains-0.26' })).toMatchObject(old)
    const modern = { variant: '2.3', objective: 'v', schedule: 'sigmoid', loss: 'l2', clipGradNorm: 1, emaDecay: 0.995 }
    expect(resolveTrain({ recipe: 'lucidrains-2.3' })).toMatchObject(modern)
    const example = { model: 'dcgan', variant: 'pytorch', size: 64, batch: 64, flip: false, weightDecay: 0 }
    expect(resolveTrain({ recipe: 'dcgan-pytorch' })).toMatchObject(example)
    const chainer = { variant: 'chainer', size: 96, batch: 100, flip: true, weightDecay: 1e-5, maxImages: 2e9 }
    expect(resolveTrain({ recipe: 'dcgan-chainer96' })).toMatchObject(chainer)
  })

  test.each(names.filter(isPublished))('%s is the run of its source to the bit, unless asked for speed', (recipe) => {
    expect(resolveTrain({ recipe }).exact).toBe(true)
    expect(optionOrigins(recipe, resolveTrain({ recipe }), { recipe }).exact).toBe('chosen')
    expect(resolveTrain({ recipe, exact: false }).exact).toBe(false)
    expect([resolveTrain({ recipe }).guard, resolveTrain({ recipe, guard: true }).guard]).toEqual([false, true])
  })

  test('of ours is fast, keeps pictures back, has the guard end it, and may be bound in time', () => {
    const options = resolveTrain({ recipe: 'few', time: '5m' })
    expect(options).toMatchObject({ exact: false, holdout: 'auto', guard: true, stopOnCopies: true, time: 300 })
    expect(caught(() => resolveTrain({ recipe: 'ozaki2022', time: '5m' }))).toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('gives way to options given outright, its variant included', () => {
    const given: AnyTrainOptions = {
      recipe: 'ozaki2022',
      dimMults: [1, 4, 16],
      seed: 1,
      variant: '2.3',
      maxTime: null,
    }
    expect(resolveTrain(given)).toMatchObject({ ...given, size: 128, objective: 'noise' })
    // An option that is there but undefined was not given.
    expect(resolveTrain({ recipe: 'ozaki2022', seed: undefined }).seed).toBe(3407)
  })

  test('resolves to the same once more from its own complete options, as a resumed run does', () => {
    for (const recipe of names) {
      const once = resolveTrain({ recipe, batch: 3 })
      expect(resolveTrain({ ...once } as never)).toEqual(once)
    }
  })

  test('says where each option comes from', () => {
    const given = { recipe: 'ozaki2022', lr: 1e-3 } as const
    const options = resolveTrain(given)
    const origins = optionOrigins('ozaki2022', options, given)
    expect(Object.keys(origins)).toEqual(Object.keys(options))
    expect(origins).toMatchObject({
      recipe: 'given',
      lr: 'given',
      model: 'stated',
      seed: 'stated',
      batch: 'chosen',
      keepCheckpoints: 'chosen',
    })
  })
})

describe('wrong use of a recipe', () => {
  test('with another model', () => {
    const error = caught(() => resolveTrain({ recipe: 'ozaki2022', model: 'dcgan' }))
    expect(error).toMatchObject({ code: 'OPTION_INVALID' })
    expect(error.message).toContain('"ozaki2022" is for model "diffusion", but model is "dcgan"')
  })

  test.each(['ozaki', '', 7, {}, '__proto__', 'toString'])('%j is none', (recipe) => {
    expect(caught(() => resolveTrain({ recipe: recipe as never }))).toMatchObject({ code: 'OPTION_INVALID' })
  })
})
