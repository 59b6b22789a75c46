import { describe, expect, test, vi } from 'vitest'
import { ShinsakuError } from '../../../lib/errors.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import type { SessionDeps } from '../../../lib/train/session-deps.ts'
import type { Status } from '../../../lib/train/status.ts'
import { errorOf } from '../../helpers/runs.ts'
import { makeSession } from '../../helpers/session.ts'
import { until } from '../../helpers/until.ts'

describe('the loop', () => {
  test('stops at the first update that reaches maxImages, saves, and resolves with the model', async () => {
    const { session, seen } = makeSession({ maxImages: 30 })
    expect(await session.train()).toBe('model')
    expect(seen.statuses.at(-1)).toMatchObject({ images: 30, maxImages: 30, epoch: 2, updates: 9 })
    expect(seen.saved).toEqual([30])
    expect(seen.previews).toEqual([0, 30])
    expect(seen.closed).toBe(1)
  })

  test('saves at the first update past each multiple of checkpointImages, however units are sized', async () => {
    const { session, seen } = makeSession({ maxImages: 100, checkpointImages: 25 })
    await session.train()
    // Batches of 4, 4, 2 per epoch of 10: 25 is passed at 28, 75 at 78.
    expect(seen.saved).toEqual([28, 50, 78, 100])
    expect(seen.previews).toEqual([0, 28, 50, 78, 100])
  })

  test('writes a line at the first update, and at each multiple of logImages with the mean since such a line', async () => {
    const { session, seen } = makeSession({ maxImages: 40, logImages: 20 })
    await session.train()
    expect(seen.lines.map((line) => line.images)).toEqual([4, 20, 40])
    const updates = [4, 8, 10, 14, 18, 20]
    expect(seen.lines[0]!.loss).toBeCloseTo(1 / 4, 12)
    expect(seen.lines[1]!.loss).toBeCloseTo(updates.reduce((sum, n) => sum + 1 / n, 0) / updates.length, 12)
  })

  test('saves at least every checkpointTime', async () => {
    const { session, seen } = makeSession({ maxImages: 100_000, checkpointTime: 0.01 })
    await session.train()
    expect(seen.saved.length).toBeGreaterThan(1)
    expect(seen.saved.at(-1)).toBe(100_000)
  })

  test('stops after maxTime', async () => {
    const { session, seen } = makeSession({ maxImages: 1e9, maxTime: 0.1 })
    await session.train()
    expect(seen.saved).toHaveLength(1)
    expect(seen.statuses.at(-1)!.elapsedSeconds).toBeGreaterThanOrEqual(0.1)
  })

  test('a run that would take days says so once its speed is known, and one that its time ends does not', async () => {
    const told = async (options: AnyTrainOptions): Promise<string[]> => {
      const { session, seen } = makeSession({ maxImages: 1e12, ...options })
      setTimeout(() => session.stop(), 100)
      await session.train()
      return seen.logged.filter((line) => line.includes('--time 1h'))
    }
    expect(await told({})).toHaveLength(1)
    expect(await told({ maxTime: '2h' })).toEqual([])
  })

  test('a run that is bound in time ends in it, moves the end of its learning rate, and puts that on record', async () => {
    const { session, seen } = makeSession({ maxImages: 1e9, time: 0.4 })
    await session.train()
    const { images, elapsedSeconds, maxImages } = seen.statuses.at(-1)!
    expect(elapsedSeconds).toBeGreaterThan(0.3)
    expect(seen.ends.length).toBeGreaterThan(0)
    expect(maxImages).toBe(seen.ends.at(-1))
    expect(seen.recorded).toEqual([maxImages])
    expect(seen.saved).toEqual([images])
  })

  test('a resumed session goes on from its images and does not preview or save them again', async () => {
    const { session, seen } = makeSession({ maxImages: 48, checkpointImages: 20 }, { start: 20 })
    await session.train()
    expect(seen.statuses[0]!.images).toBeGreaterThan(20)
    expect(seen.saved).toEqual([40, 48])
    expect(seen.previews).toEqual([40, 48])
  })

  test('means that a checkpoint carried over count in the next line', async () => {
    const { session, seen } = makeSession({ maxImages: 40, logImages: 20 }, { start: 30 })
    await session.train()
    expect(seen.lines[0]!.loss).toBeCloseTo((1 / 34 + 1 / 38 + 1 / 40) / 3, 12)
  })
})

describe('from outside', () => {
  test('stop() ends after the running units, saves and resolves', async () => {
    const { session, seen } = makeSession({ maxImages: 1e9 })
    const training = session.train()
    await until(() => seen.statuses.length > 2)
    session.stop()
    expect(await training).toBe('model')
    expect(seen.saved).toEqual([seen.statuses.at(-1)!.images])
  })

  test('an aborted signal saves without a preview and rejects with AbortError', async () => {
    const abort = new AbortController()
    const { session, seen } = makeSession({ maxImages: 1e9 }, { signal: abort.signal })
    const training = errorOf(session.train())
    await until(() => seen.statuses.length > 2)
    abort.abort('enough')
    expect(await training).toMatchObject({ name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' })
    expect(seen.saved).toEqual([seen.statuses.at(-1)!.images])
    expect(seen.previews).toEqual([0])
    expect(seen.closed).toBe(1)
  })

  test('checkpoint() saves at once, twice at one position if asked twice, and after the end it is refused', async () => {
    const { session, seen } = makeSession({ maxImages: 4000 })
    const training = session.train()
    const [first, second] = await Promise.all([session.checkpoint(), session.checkpoint()])
    expect(first).toBe(second)
    expect(first).toBe(`checkpoint ${seen.saved[0]}`)
    await training
    expect(() => session.checkpoint()).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
    expect(() => session.sample({})).toThrow(expect.objectContaining({ code: 'DISPOSED' }))
  })

  test('checkpoint() while the last preview is drawn is granted', async () => {
    let asked: Promise<string> | undefined
    const { session } = makeSession(
      { maxImages: 10 },
      {
        preview: async (images) => {
          if (images === 10) asked ??= session.checkpoint()
        },
      },
    )
    await session.train()
    expect(await asked).toBe('checkpoint 10')
  })
})

describe('while a checkpoint is written', () => {
  /** Saves that take 30 ms to write, and the images that were reached while they did. */
  function slowSaves() {
    const writes: { images: number; reached: number }[] = []
    let writing = 0
    let reached = 0
    const save: SessionDeps['save'] = async ({ images }) => {
      expect(writing).toBe(0)
      writing += 1
      const written = new Promise<string>((resolve) => {
        setTimeout(() => {
          writing -= 1
          writes.push({ images, reached })
          resolve(`checkpoint ${images}`)
        }, 30)
      })
      return { written }
    }
    const onStatus = ({ images }: Status) => {
      reached = images
    }
    return { writes, deps: { save, onStatus } }
  }

  test('training goes on, one is written at a time, and the end waits for the last', async () => {
    const { writes, deps } = slowSaves()
    const { session } = makeSession({ maxImages: 20_000, checkpointTime: 0.001 }, deps)
    await session.train()
    expect(writes.length).toBeGreaterThan(1)
    expect(writes.some(({ images, reached }) => reached > images)).toBe(true)
    expect(writes.at(-1)!.images).toBe(20_000)
  })

  test('one that is due by images waits for it and is taken at its image', async () => {
    const { writes, deps } = slowSaves()
    const { session } = makeSession({ maxImages: 100, checkpointImages: 20 }, deps)
    await session.train()
    expect(writes.map(({ images }) => images)).toEqual([20, 40, 60, 80, 100])
  })

  test('one that is asked for comes after it', async () => {
    const { writes, deps } = slowSaves()
    const { session } = makeSession({ maxImages: 1e9 }, deps)
    const training = session.train()
    const first = session.checkpoint()
    await until(() => writes.length === 1)
    const [second, third] = [session.checkpoint(), session.checkpoint()]
    expect(await first).toBe(`checkpoint ${writes[0]!.images}`)
    expect(await third).toBe(await second)
    expect(await second).toBe(`checkpoint ${writes[1]!.images}`)
    session.stop()
    await training
  })
})

describe('R36 a loss or a weight that is no number', () => {
  const notFinite = (code: 'LOSS_NOT_FINITE' | 'WEIGHTS_NOT_FINITE' = 'LOSS_NOT_FINITE') =>
    new ShinsakuError(code, 'loss became nan in update 1 of 1 of this unit')
  /** Fails past `at` images, the first `times` times. */
  const failing = (at: number, times: number, code?: Parameters<typeof notFinite>[0]) => {
    let left = times
    return (images: number) => (images > at && left-- > 0 ? notFinite(code) : undefined)
  }
  const past = (images: number, list: number[]) => list.filter((saved) => saved > images)

  test.each(['LOSS_NOT_FINITE', 'WEIGHTS_NOT_FINITE'] as const)(
    '%s: back to the last checkpoint, and on',
    async (code) => {
      const { session, seen } = makeSession(
        { maxImages: 100, checkpointImages: 20, logImages: 10, previews: 0 },
        { fail: failing(70, 2, code) },
      )
      expect(await session.train()).toBe('model')
      expect(seen.attempts[0]).toBe(1)
      expect(seen.logged[0]).toMatch(
        /^Warning: loss became nan .*, after \d+ images\. Went back .* at 60 images.*\(1 of 3\)$/,
      )
      expect(seen.statuses.at(-1)).toMatchObject({ images: 100, etaSeconds: 0 })
      expect(seen.statuses.every(({ imagesPerSecond, loss }) => imagesPerSecond >= 0 && Number.isFinite(loss))).toBe(
        true,
      )
      expect(seen.saved.at(-1)).toBe(100)
    },
  )

  test('three times in a row, then it ends with what to change', async () => {
    const { session, seen } = makeSession(
      { maxImages: 1e6, checkpointImages: 20, lr: 0.001 },
      { fail: failing(70, 99) },
    )
    const error = await session.train().then(
      () => expect.unreachable(),
      (failure: unknown) => failure as ShinsakuError,
    )
    expect(error).toMatchObject({
      code: 'LOSS_NOT_FINITE',
      message: expect.stringMatching(/after \d+ images; going back to a checkpoint has not helped, 3 times/),
      hint: expect.stringMatching(/lr: 0\.0003 \(--lr 0\.0003\)/),
    })
    expect(seen.attempts).toEqual([1, 2, 3])
    expect(past(70, seen.saved)).toEqual([])
    expect(seen.closed).toBe(1)
  })

  test('is counted anew once the run has come further', async () => {
    const fails = [failing(50, 2), failing(150, 2), failing(250, 2)]
    const { session, seen } = makeSession(
      { maxImages: 300, checkpointImages: 20 },
      { fail: (images) => fails.map((fail) => fail(images)).find((error) => error !== undefined) },
    )
    await session.train()
    expect(seen.attempts.length).toBeGreaterThanOrEqual(3)
    expect(Math.max(...seen.attempts)).toBeLessThanOrEqual(2)
  })

  test.each([
    ['rollback 0', { maxRollbacks: 0, checkpointImages: 20 }, /after \d+ images$/],
    ['no checkpoint yet', { checkpointImages: 1e7 }, /there is no checkpoint to go back to$/],
  ])('%s: it ends at once', async (_, options, message) => {
    const { session, seen } = makeSession({ maxImages: 1e6, ...options }, { fail: failing(70, 99) })
    await expect(session.train()).rejects.toMatchObject({
      code: 'LOSS_NOT_FINITE',
      message: expect.stringMatching(message),
    })
    expect(seen.attempts).toEqual([])
  })

  test('found by a save takes it back as well', async () => {
    let refused = 0
    const { session, seen, deps } = makeSession({ maxImages: 100, checkpointImages: 20 })
    const { save } = deps
    deps.save = async (state) => {
      if (state.images >= 60 && refused++ === 0) return { written: Promise.reject(notFinite('WEIGHTS_NOT_FINITE')) }
      return save(state)
    }
    await session.train()
    expect([seen.attempts, seen.saved.at(-1)]).toEqual([[1], 100])
  })
})

test('a unit never holds up abort, statuses or checkpoints: units stay near a tenth of a second', async () => {
  vi.useRealTimers()
  const { session, units } = makeSession({ maxImages: 4000 })
  await session.train()
  expect(Math.max(...units)).toBeLessThanOrEqual(256)
  expect(units[0]).toBe(1)
})
