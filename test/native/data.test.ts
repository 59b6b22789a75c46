/** Batches in C++: pixels, indices and labels belong together, whether pictures are resident or read for each unit. */
import { expect, test } from 'vitest'
import { casesOf } from '../helpers/programs.ts'

test('every batch holds the pixels, indices and labels of the pictures that the sampler picked', () => {
  const cases = casesOf('data_check')
  expect(cases.length).toBe(2 * 2 * 2 * (1 + 9 * 3))
  expect(cases.filter(({ same }) => same !== 1)).toEqual([])
})
