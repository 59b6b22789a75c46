import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { drawIcon } from '../../../lib/icons/icons.ts'
import { renderSvg } from '../../../lib/images/decode.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'

const settings = resolveTrain({ size: 32 })
const count = 158
const icons = Array.from({ length: count }, (_, index) => drawIcon(1, index))

describe('the built-in icons', () => {
  test('are the same on every machine', () => {
    expect(createHash('sha256').update(icons.join('\n')).digest('hex').slice(0, 16)).toBe('916deac038521239')
    expect(drawIcon(1, 7)).toBe(icons[7])
  })

  test('differ by index and by seed', () => {
    expect(new Set(icons).size).toBe(count)
    expect(drawIcon(2, 0)).not.toBe(icons[0])
    expect(drawIcon(2 ** 40, 0)).not.toBe(drawIcon(0, 0))
  })

  test('are well-formed drawings without anything from outside', () => {
    for (const icon of icons) {
      expect(icon).toMatch(/^<svg .*<\/svg>$/s)
      expect(icon).not.toMatch(/NaN|undefined|null|href|<image|<style|<script/)
      const ids = [...icon.matchAll(/ id="(\w+)"/g)].map((match) => match[1])
      expect(new Set(ids).size).toBe(ids.length)
      for (const [, id] of icon.matchAll(/url\(#(\w+)\)/g)) expect(ids).toContain(id)
    }
  })

  test('fill their square with a face in the middle', async () => {
    for (const icon of icons.slice(0, 24)) {
      const pixels = await renderSvg(icon, settings)
      expect(pixels.length).toBe(32 * 32 * 3)
      const at = (x: number, y: number) => pixels.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3)
      const far = (a: Uint8Array, b: Uint8Array) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0)
      // Cheek against background: the head stands out.
      expect(far(at(16, 21), at(1, 1))).toBeGreaterThan(40)
    }
  })

  test('vary: a mean icon is far from each of them', async () => {
    const all = await Promise.all(icons.slice(0, 48).map((icon) => renderSvg(icon, settings)))
    const mean = all[0]!.map((_, i) => all.reduce((sum, pixels) => sum + pixels[i]!, 0) / all.length)
    for (const pixels of all) {
      const distance = pixels.reduce((sum, value, i) => sum + Math.abs(value - mean[i]!), 0) / pixels.length
      expect(distance).toBeGreaterThan(20)
    }
  })

  test.each([
    [-1, 0],
    [0.5, 0],
    [0, Number.NaN],
    [0, 2 ** 60],
  ])('refuse seed %s with index %s', (seed, index) => {
    expect(() => drawIcon(seed, index)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
