import { describe, expect, test } from 'vitest'
import { nearest } from '../../../lib/options/nearest.ts'
import { fromFlag, toFlag } from '../../../lib/options/option-spec.ts'
import { colour, duration, seed } from '../../../lib/options/values.ts'

describe('durations', () => {
  test.each([
    [90, 90],
    ['90', 90],
    ['90s', 90],
    ['20m', 1200],
    ['1.5h', 5400],
    ['2d', 172_800],
  ])('%s is %i seconds', (given, seconds) => expect(duration.parse(given)).toBe(seconds))

  test.each(['', '20 m', 'm', '-1', '1w', '1e3', 0, -5, Number.NaN, Number.POSITIVE_INFINITY])('%s is none', (given) =>
    expect(duration.safeParse(given).success).toBe(false),
  )
})

test('seeds are integers that JSON holds exactly', () => {
  for (const good of [0, 3407, Number.MAX_SAFE_INTEGER]) expect(seed.parse(good)).toBe(good)
  for (const bad of [-1, 0.5, 2 ** 53, '1']) expect(seed.safeParse(bad).success).toBe(false)
})

test('colours are opaque', () => {
  for (const good of ['#fff', '#FFFFFF', '#12ab9f']) expect(colour.safeParse(good).success).toBe(true)
  for (const bad of ['white', '#ffff', '#ffffff00', 'fff']) expect(colour.safeParse(bad).success).toBe(false)
})

describe('the nearest name', () => {
  const names = ['batch', 'betas', 'dim', 'dimMults', 'maxImages', 'maxTime']

  test.each([
    ['batchs', 'batch'],
    ['dim-mults', 'dimMults'],
    ['MAXTIME', 'maxTime'],
    ['max_image', 'maxImages'],
    ['beta', 'betas'],
  ])('of %s is %s', (given, name) => expect(nearest(given, names)).toBe(name))

  test('is none where nothing is close', () => {
    expect(nearest('learningRate', names)).toBeUndefined()
    expect(nearest('x', [])).toBeUndefined()
  })
})

test('flags and names are two spellings of one thing', () => {
  expect(toFlag('checkpointImages')).toBe('checkpoint-images')
  expect(fromFlag('checkpoint-images')).toBe('checkpointImages')
  expect(fromFlag(toFlag('p2K'))).toBe('p2K')
})
