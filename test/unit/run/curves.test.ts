/** The curves of a run as another process follows them. */
import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Curves, pointsOf } from '../../../lib/run/curves.ts'
import { logTail, MetricsFollower } from '../../../lib/run/follow.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const share = (value: number) => ({ value, low: 0, high: 1, n: 32 })
const line = (images: number, more: object = { loss: 1 / images }) => `${JSON.stringify({ images, ...more })}\n`

test('a line gives points by what they are about; counters and what is no number give none', () => {
  const guard = {
    gaps: [{ name: 'low noise', value: 0.2 }, 'x'],
    copyShare: share(0.25),
    copyShareHeldOut: null,
    warned: ['gap'],
  }
  const values = { updates: 1, epoch: 0, elapsedSeconds: 3, loss: 0.5, lossD: null, imagesPerSecond: 9, lr: 0.1 }
  expect(pointsOf(8, { images: 8, ...values, residentBytes: 5, guard })).toEqual(
    [
      ['loss', 'loss', 0.5],
      ['speed', 'images per second', 9],
      ['other', 'lr', 0.1],
      ['memory', 'process', 5],
      ['heldOut', 'low noise', 0.2],
      ['copies', 'samples', 0.25],
    ].map(([kind, name, value]) => ({ kind, name, images: 8, value })),
  )
})

test('a series stays short: neighbours become one, the last image and the mean stay', () => {
  const curves = new Curves()
  const count = 100_000
  for (let i = 1; i <= count; i++) curves.add({ kind: 'loss', name: 'loss', images: i, value: i % 2 })
  const [series] = curves.series
  expect(series!.images.length).toBeLessThanOrEqual(2000)
  expect(series!.images.length).toBeGreaterThanOrEqual(1000)
  expect(series!.images.at(-1)! / count).toBeGreaterThan(0.99)
  expect(new Set(series!.values)).toEqual(new Set([0.5]))
  for (let i = 0; i < 1000; i++) curves.add({ kind: 'other', name: `x${i}`, images: 1, value: 1 })
  expect(curves.series.length).toBe(64)
})

describe('MetricsFollower', () => {
  const imagesIn = async (follower: MetricsFollower) => (await follower.read()).points.map(({ images }) => images)

  test('tells what came since; half a line waits for its end, and what is no line is passed over', async () => {
    const run = temporaryFolder()
    const path = join(run, 'metrics.jsonl')
    const follower = new MetricsFollower(run)
    expect(await follower.read()).toEqual({ anew: false, points: [], warnedAt: null })
    writeFileSync(path, `${line(1)}null\n${line(2)}{"images":3,`)
    expect(await imagesIn(follower)).toEqual([1, 2])
    expect(await imagesIn(follower)).toEqual([])
    appendFileSync(path, `"loss":1}\n${line(4, { guard: { warned: ['gap'], copyShare: share(1) } })}`)
    expect(await follower.read()).toMatchObject({ anew: false, points: [{ images: 3 }, { images: 4 }], warnedAt: 4 })
  })

  test('a file that a resumed run has shortened or replaced is read anew', async () => {
    const run = temporaryFolder()
    const path = join(run, 'metrics.jsonl')
    const follower = new MetricsFollower(run)
    writeFileSync(path, line(1) + line(2))
    await follower.read()
    truncateSync(path, line(1).length)
    expect(await follower.read()).toMatchObject({ anew: true, points: [{ images: 1 }] })
    writeFileSync(`${path}.new`, line(7) + line(8) + line(9))
    renameSync(`${path}.new`, path)
    expect(await follower.read()).toMatchObject({ anew: true, points: [{ images: 7 }, { images: 8 }, { images: 9 }] })
  })

  test('a long file that holds no lines is passed over, and a folder is FILE_FAILED', async () => {
    const run = temporaryFolder()
    writeFileSync(join(run, 'metrics.jsonl'), `${'x'.repeat(3 * 2 ** 20)}\n${line(5)}`)
    expect(await imagesIn(new MetricsFollower(run))).toEqual([5])
    const other = temporaryFolder()
    mkdirSync(join(other, 'metrics.jsonl'))
    await expect(new MetricsFollower(other).read()).rejects.toMatchObject({ code: 'FILE_FAILED' })
  })
})

test('the end of a log: whole lines, the last of many', async () => {
  const run = temporaryFolder()
  expect(await logTail(run, 3)).toEqual([])
  const lines = Array.from({ length: 9000 }, (_, i) => `line ${i}`)
  writeFileSync(join(run, 'log.txt'), `${lines.join('\n')}\nhalf`)
  expect(await logTail(run, 3)).toEqual(lines.slice(-3))
  expect((await logTail(run, 10_000))[0]).toMatch(/^line \d+$/)
})
