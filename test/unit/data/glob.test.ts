/** Patterns for paths. */
import { expect, test } from 'vitest'
import { isGlob, matchesGlob } from '../../../lib/data/glob.ts'

test.each([
  ['a.png', 'a.png', true],
  ['a.png', '*.png', true],
  ['b/a.png', '*.png', false],
  ['b/a.png', '*/*.png', true],
  ['a.png', '**', true],
  ['b/c/a.png', '**', true],
  ['a.png', '**/*.png', true],
  ['b/c/a.png', '**/*.png', true],
  ['b/c/a.png', 'b/**/a.png', true],
  ['b/a.png', 'b/**/a.png', true],
  ['bc/a.png', 'b/**', false],
  ['b/c/a.png', 'b/*/d.png', false],
  ['a1.png', 'a?.png', true],
  ['a.png', 'a?.png', false],
  ['ab/c.png', 'a?c.png', false],
  ['aXbXc', 'a*b*c', true],
  ['aXbX', 'a*b*c', false],
  ['a[1].png', 'a[1].png', true],
  ['a1.png', 'a[1].png', false],
  ['axpng', 'a.png', false],
  ['日本/絵.png', '日本/*.png', true],
  ['😀.png', '?.png', true],
])('%s against %s: %s', (path, pattern, expected) => expect(matchesGlob(path, pattern)).toBe(expected))

test('a hostile pattern costs little', () => {
  const begun = process.cpuUsage()
  expect(matchesGlob('a'.repeat(5000), `${'*a'.repeat(500)}b`)).toBe(false)
  expect(matchesGlob('a/'.repeat(2000), `${'**/a/'.repeat(200)}b`)).toBe(false)
  expect(process.cpuUsage(begun).user).toBeLessThan(5e6)
})

test('isGlob', () => {
  expect([isGlob('a*'), isGlob('a?'), isGlob('**'), isGlob('a[1]')]).toEqual([true, true, true, false])
})
