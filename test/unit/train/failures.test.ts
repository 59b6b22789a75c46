/** What fails while a run trains: which failures it survives, and how it ends after the others. */
import { describe, expect, test } from 'vitest'
import { ShinsakuError } from '../../../lib/errors.ts'
import type { AnyTrainOptions } from '../../../lib/options/types.ts'
import { makeSession } from '../../helpers/session.ts'

describe('failures', () => {
  test('of the trainer end the run with that error, save nothing and still close', async () => {
    const error = new ShinsakuError('NATIVE_FAILED', 'of no known kind')
    const { session, seen } = makeSession(
      { maxImages: 1e6 },
      { fail: (images: number) => (images > 50 ? error : undefined) },
    )
    const waiting = session.train()
    await expect(waiting).rejects.toBe(error)
    expect(seen.saved).toEqual([])
    expect(seen.closed).toBe(1)
  })

  const full = new ShinsakuError('DISK_FULL', 'no space', { hint: 'Free some.' })
  /** Saves of which those that `fails` names, counted from 1, find the disk full. */
  function someFail(fails: (n: number) => boolean, options: AnyTrainOptions = {}) {
    let saves = 0
    const made = makeSession({ maxImages: 100, checkpointImages: 20, ...options })
    const { save } = made.deps
    made.deps.save = async (state) => {
      saves += 1
      return fails(saves) ? { written: Promise.reject(full) } : save(state)
    }
    return made
  }

  test('of a save reach whoever asked for it; the run tells them and goes on', async () => {
    const { session, seen } = someFail((n) => n === 1, { checkpointImages: 1e7, maxImages: 10_000 })
    const training = session.train()
    await expect(session.checkpoint()).rejects.toBe(full)
    expect(await training).toBe('model')
    expect(seen.logged).toEqual([
      expect.stringMatching(/^Warning: no space\. The checkpoint at \d+ images was not saved \(1 of 3 in a row/),
    ])
    expect(seen.saved).toEqual([10_000])
  })

  test('of two saves in a row are survived, again and again', async () => {
    const { session, seen } = someFail((n) => n % 3 !== 0, { maxImages: 180 })
    expect(await session.train()).toBe('model')
    expect(seen.saved).toEqual([60, 120, 180])
  })

  test('of three saves in a row end the run with their code, hint and number', async () => {
    const { session, seen } = someFail((n) => n > 1)
    await expect(session.train()).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: 'no space; 3 checkpoints in a row could not be saved',
      hint: 'Free some.',
      cause: full,
    })
    expect([seen.saved, seen.closed]).toEqual([[20], 1])
  })

  test('of the last save are tried once more, then reject', async () => {
    const mended = someFail((n) => n === 5)
    expect(await mended.session.train()).toBe('model')
    expect(mended.seen.saved).toEqual([20, 40, 60, 80, 100])
    const { session } = someFail((n) => n >= 5)
    await expect(session.train()).rejects.toBe(full)
  })

  test('of a save that time cannot mend end the run at once', async () => {
    const broken = new ShinsakuError('CHECKPOINT_INVALID', 'of no form')
    const { session, deps } = makeSession({ maxImages: 1e6, checkpointImages: 20 })
    deps.save = async () => ({ written: Promise.reject(broken) })
    await expect(session.train()).rejects.toBe(broken)
  })

  test('of a preview cost the preview only', async () => {
    const preview = async (images: number) => {
      if (images > 0) throw full
    }
    const { session, seen } = makeSession({ maxImages: 40, checkpointImages: 20 }, { preview })
    expect(await session.train()).toBe('model')
    expect(seen.logged).toEqual([20, 40].map((n) => `Warning: no space. The previews at ${n} images are missing`))
  })

  test('of pictures that cannot be read any more save what was trained, then end the run', async () => {
    const gone = new ShinsakuError('FILE_FAILED', 'the disk is gone')
    const { session, seen } = makeSession(
      { maxImages: 1e6 },
      { fail: (images: number) => (images > 50 ? gone : undefined) },
    )
    await expect(session.train()).rejects.toMatchObject({ code: 'FILE_FAILED', message: 'the disk is gone' })
    expect(seen.saved).toEqual([seen.statuses.at(-1)!.images])
    expect(seen.saved[0]).toBeLessThanOrEqual(50)
    expect(seen.previews.at(-1)).toBe(seen.saved[0])
    expect(seen.closed).toBe(1)
  })
})
