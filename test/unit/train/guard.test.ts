/** When the copy guard looks, what that may take, and what it warns of. */
import { describe, expect, test } from 'vitest'
import { type ErrorCode, ShinsakuError } from '../../../lib/errors.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import { Guard } from '../../../lib/train/guard.ts'
import type { Measured } from '../../../lib/train/guard-measure.ts'
import { guardNotes } from '../../../lib/train/guard-text.ts'
import { makeSession } from '../../helpers/session.ts'

const share = (value: number, n = 100) => ({ value, low: value / 2, high: value * 2, n })
const gap = (low: number) => ({ name: 'logSnr0', train: 1, heldOut: 1.5, value: 0.5, low, high: 1, n: 16 })

const clean: Measured = {
  weights: 'ema',
  gaps: [gap(-0.1)],
  copyShare: share(0),
  copyShareHeldOut: share(0, 16),
  pixels: 32,
  copies: false,
  secondsPerSample: 0.001,
  otherSeconds: 0,
}

function makeGuard(options: AnyTrainOptions, looks: (Partial<Measured> | Error)[], past: Guard['newest'][] = []) {
  const seen = { samples: [] as number[], logged: [] as string[], disposed: 0 }
  const guard = new Guard({
    options: resolveTrain({ size: 16, ...options }),
    log: (line) => seen.logged.push(line),
    looks: past.map((look, i) => ({ images: 100 * (i + 1), guard: look! })),
    measure: {
      compared: 32,
      async measure(samples) {
        seen.samples.push(samples)
        const found = looks.shift() ?? {}
        if (found instanceof Error) throw found
        return { ...clean, ...found }
      },
      dispose: () => {
        seen.disposed += 1
      },
    },
  })
  const look = (images: number, elapsedSeconds: number, imagesPerSecond = 1000) =>
    guard.look({ images, elapsedSeconds, updates: 0, epoch: 0 }, imagesPerSecond)
  return { guard, seen, look }
}

describe('its time', () => {
  test('decides how many samples there are: none before it pays for 32, never more than 512', async () => {
    const { seen, look } = makeGuard({ guardTime: 0.01 }, [])
    expect(await look(100, 5)).toBeUndefined()
    expect(await look(200, 1e6)).toMatchObject({ copyShare: { n: 100 } })
    expect(seen.samples).toEqual([512])
    const { seen: some, look: other } = makeGuard({ guardTime: 0.01, previewSteps: 4 }, [])
    await other(100, 60)
    expect(some.samples[0]).toBeGreaterThanOrEqual(32)
    expect(some.samples[0]).toBeLessThan(120)
  })

  test('goes by what the look before took', async () => {
    const { seen, look } = makeGuard({ guardTime: 0.1 }, [{ secondsPerSample: 1 }])
    await look(100, 1000)
    expect(await look(200, 110)).toBeUndefined()
    await look(300, 1000)
    expect(seen.samples[1]).toBeGreaterThan(90)
    expect(seen.samples[1]).toBeLessThanOrEqual(100)
  })

  test('spent before a resume counts', async () => {
    const spent = { ...clean, seconds: 1000, warned: [] }
    const { look } = makeGuard({ guardTime: 0.1 }, [], [spent])
    expect(await look(300, 10_000)).toBeUndefined()
    expect(await look(400, 20_000)).toBeDefined()
  })

  test('is not taken before the rate is known', async () => {
    expect(await makeGuard({}, []).look(100, 1e6, 0)).toBeUndefined()
  })
})

describe('a warning', () => {
  test('comes once for a gap and once for copies, with figures and what to do', async () => {
    const { guard, seen, look } = makeGuard({}, [
      {},
      { gaps: [gap(0.2)] },
      { gaps: [gap(0.2)], copies: true },
      { copies: true },
    ])
    for (const images of [100, 200, 300, 400]) await look(images, 1e6)
    expect(guard.warnedAt).toBe(300)
    const warnings = seen.logged.filter((line) => line.startsWith('Warning'))
    expect(warnings).toHaveLength(2)
    expect(warnings[0]).toMatch(
      /at 200 images\. The loss of held-out pictures .* from 16 pictures each.*copies come next\.$/,
    )
    expect(warnings[1]).toMatch(
      /at 300 images\. .*near copies of training pictures.*of 16 held-out pictures 0 %.*--at best/,
    )
    expect(seen.logged[0]).toMatch(/^Copy guard at 100 images: 0 % of 100 samples/)
  })

  test('is not given again after a resume; after a rewind it may be', async () => {
    const warned = { ...clean, seconds: 0, warned: ['copies' as const] }
    const { guard, seen, look } = makeGuard({}, [{ copies: true }, { copies: true }], [warned])
    expect(guard.warnedAt).toBe(100)
    await look(200, 1e6)
    expect(seen.logged[0]).not.toMatch(/^Warning/)
    guard.rewind(50)
    expect(guard.warnedAt).toBeUndefined()
    await look(60, 1e6)
    expect(seen.logged[1]).toMatch(/^Warning/)
  })

  test('of copies needs no proof once the losses have parted: the first ones are enough', async () => {
    const seenOnce = { copyShare: share(0.02, 50) }
    const { guard, look } = makeGuard({}, [
      seenOnce,
      { ...seenOnce, gaps: [gap(0.2)], copyShareHeldOut: share(0.06, 16) },
      { ...seenOnce, gaps: [gap(0.2)] },
    ])
    expect((await look(100, 1e6))?.warned).toEqual([])
    expect((await look(200, 1e6))?.warned).toEqual(['gap'])
    expect((await look(300, 1e6))?.warned).toEqual(['copies'])
    expect(guard.warnedAt).toBe(300)
  })

  test('of a gap stands for copies where those cannot be told', async () => {
    const { guard, seen, look } = makeGuard({}, [{ gaps: [gap(0.2)], copyShare: null, copyShareHeldOut: null }])
    await look(100, 1e6)
    expect([guard.warnedAt, seen.logged[0]]).toEqual([100, expect.stringContaining('--at best')])
  })

  test('of a DCGAN is in its own words', async () => {
    const { seen, look } = makeGuard({ model: 'dcgan', size: 32 }, [{ gaps: [{ ...gap(1), name: 'discriminator' }] }])
    await look(100, 1e6)
    expect(seen.logged[0]).toContain('The discriminator tells held-out pictures from training pictures')
  })
})

describe('a look that fails', () => {
  test.each<ErrorCode>(['OUT_OF_MEMORY', 'FILE_FAILED'])('with %s ends the guard, not the run', async (code) => {
    const { seen, look } = makeGuard({}, [new ShinsakuError(code, 'no way')])
    expect(await look(100, 1e6)).toBeUndefined()
    expect(await look(200, 1e6)).toBeUndefined()
    expect(seen.samples).toHaveLength(1)
    expect(seen.logged).toEqual(['Warning: the copy guard looks no more in this session: no way'])
  })

  test('because of an abort is passed over; a shutdown and a defect are not', async () => {
    const { seen, look } = makeGuard({}, [new ShinsakuError('ABORT_ERR', 'stop')])
    expect(await look(100, 1e6)).toBeUndefined()
    expect(seen.logged).toEqual([])
    await expect(makeGuard({}, [new ShinsakuError('SHUT_DOWN', 'x')]).look(1, 1e6)).rejects.toThrow('x')
    await expect(makeGuard({}, [new TypeError('y')]).look(1, 1e6)).rejects.toThrow('y')
  })
})

test('what is known of a set is said beforehand', () => {
  expect(guardNotes(158, 16)).toEqual([expect.stringMatching(/fewer than about 330 pictures.*hardly a window/)])
  expect(guardNotes(1000, 0)).toEqual([expect.stringContaining('no pictures are held out')])
  expect(guardNotes(1000, 100)).toEqual([])
})

describe('in the loop', () => {
  const fakeGuard = (warnsAt = Number.POSITIVE_INFINITY) => {
    const asked: number[] = []
    const record = { ...clean, seconds: 0, warned: [] }
    return {
      asked,
      guard: {
        async look({ images }: { images: number }) {
          asked.push(images)
          return record
        },
        get newest() {
          return asked.length > 0 ? record : null
        },
        get warnedAt() {
          return asked.find((images) => images >= warnsAt)
        },
        rewind: () => {},
      },
    }
  }

  test('it looks at each checkpoint, the last one too, and statuses and records have what it found', async () => {
    const { guard, asked } = fakeGuard()
    const { session, seen } = makeSession({ maxImages: 70, checkpointImages: 20 }, { guard })
    await session.train()
    expect(asked).toEqual(seen.saved)
    expect(seen.guarded).toEqual(seen.saved)
    expect(seen.statuses[0]!.guard).toBeNull()
    expect(seen.statuses.at(-1)!.guard).toMatchObject({ copyShare: { value: 0 } })
    expect(seen.statuses.at(-1)!.images).toBe(70)
  })

  test('stopOnCopies ends the run at the warning, and says so; without it the run goes on', async () => {
    const { session, seen } = makeSession(
      { maxImages: 1000, checkpointImages: 20, stopOnCopies: true },
      { guard: fakeGuard(40).guard },
    )
    expect(await session.train()).toBe('model')
    expect(seen.saved.at(-1)).toBe(40)
    expect(seen.logged.at(-1)).toMatch(/^Ends at 40 images, because stopOnCopies is set .* warned of copies at 40/)
    const { session: other, seen: all } = makeSession(
      { maxImages: 100, checkpointImages: 20 },
      { guard: fakeGuard(40).guard },
    )
    await other.train()
    expect(all.saved.at(-1)).toBe(100)
  })

  test('stopOnCopies ends a resumed run that was warned before at once', async () => {
    const guard = { ...fakeGuard().guard, warnedAt: 16 }
    const { session, seen } = makeSession({ maxImages: 1000, stopOnCopies: true }, { start: 20, guard })
    expect(await session.train()).toBe('model')
    expect([seen.saved, seen.statuses]).toEqual([[], []])
  })

  test('it does not hold up a stop', async () => {
    const { guard, asked } = fakeGuard()
    const { session } = makeSession({ maxImages: 1e9 }, { guard })
    const training = session.train()
    await new Promise((resolve) => setTimeout(resolve, 20))
    session.stop()
    await training
    expect(asked).toEqual([])
  })
})
