import { describe, expect, test } from 'vitest'
import { histogram, lineChart, short, thinned, ticksOf } from '../../../../lib/evaluate/report/chart.ts'

describe('ticksOf()', () => {
  test.each([
    [0, 1, [0, 0.25, 0.5, 0.75, 1]],
    [0, 128_000, [0, 50_000, 100_000]],
    [-0.3, 0.2, [-0.2, 0, 0.2]],
    [5, 5, [5]],
  ])('%d to %d', (low, high, ticks) => expect(ticksOf(low, high)).toEqual(ticks))
})

test('short() writes large numbers with a letter', () => {
  expect([0, 12, 1500, 128_000, 2_500_000, 3e9, 0.01234].map(short)).toEqual([
    '0',
    '12',
    '1.5k',
    '128k',
    '2.5M',
    '3G',
    '0.0123',
  ])
})

test('thinned() averages many points and keeps the last place', () => {
  const points = Array.from({ length: 3000 }, (_, i) => [i, 2] as const)
  const few = thinned(points)
  expect(few.length).toBeLessThanOrEqual(300)
  expect(few.at(-1)).toEqual([2999, 2])
})

describe('charts', () => {
  const line = (points: [number, number][], logarithmic = false) =>
    lineChart({ title: 'Loss', description: 'x', series: [{ name: 'a', points }], logarithmic })?.text

  test('a line goes up where values do, from the first to the last place', () => {
    const [[x1, y1], [x2, y2]] = /points="([^"]*)"/
      .exec(
        line([
          [0, 1],
          [10, 3],
        ])!,
      )![1]!
      .split(' ')
      .map((point) => point.split(',').map(Number)) as [[number, number], [number, number]]
    expect(x2).toBeGreaterThan(x1)
    expect(y2).toBeLessThan(y1)
  })

  test('values that are all 0 lie at the foot of an axis that knows no negative ones', () => {
    const flat = line([
      [0, 0],
      [10, 0],
    ])!
    expect(flat).not.toContain('>-')
    expect(flat).toMatch(/>0<.*>1</)
  })

  test('what cannot be drawn is left out: NaN, and 0 where values grow by factors', () => {
    expect(
      line([
        [0, Number.NaN],
        [1, 2],
        [2, 3],
      ]),
    ).not.toContain('NaN')
    expect(
      line(
        [
          [0, 0],
          [1, 2],
          [2, 3],
        ],
        true,
      ),
    ).not.toMatch(/NaN|Infinity/)
    expect(line([[0, 1]])).toBeUndefined()
    expect(lineChart({ title: 'a', description: 'b', series: [] })).toBeNull()
  })

  test('a constant line and a histogram of zeros are drawn', () => {
    expect(
      line([
        [0, 0],
        [1, 0],
      ]),
    ).not.toMatch(/NaN|Infinity/)
    expect(histogram('a', 'b', [{ name: 'c', values: [0, 0, 0] }])!.text).not.toMatch(/NaN|Infinity/)
  })

  test('bars of a set add up to all of it', () => {
    const { text } = histogram('a', 'b', [{ name: 'c', values: [1, 1, 2, 9] }])!
    const heights = [...text.matchAll(/<rect[^>]*height="([\d.]+)"/g)].map(([, height]) => Number(height))
    expect(heights.length).toBe(3)
    expect(Math.max(...heights) / Math.min(...heights)).toBeCloseTo(2, 1)
  })
})
