import { describe, expect, test } from 'vitest'
import { errorTable, ShinsakuError } from '../../../lib/errors.ts'
import type {
  Addon,
  NativeImages,
  NativeInferenceModel,
  NativeSampler,
  NativeTrainer,
} from '../../../lib/native/addon.ts'
import { wrapAddon } from '../../../lib/native/wrap.ts'

const nativeError = (message: string, code?: string) => Object.assign(new Error(message), code && { code })

class Images implements NativeImages {
  disposed = false
  dispose() {
    this.disposed = true
  }
}

class Sampler {
  async step() {
    throw nativeError('c10 says no')
  }
  dispose() {}
}

class Generator {
  async sampler() {
    return new Sampler() as unknown as NativeSampler
  }
  dispose() {}
}

class Trainer {
  #updates = 0
  async step(updates: number) {
    this.#updates += updates
    if (updates > 1) throw nativeError('the loss is nan', 'LOSS_NOT_FINITE')
    return { loss: [this.#updates] }
  }
  async inferenceModel() {
    return new Generator() as unknown as NativeInferenceModel
  }
  tensors() {
    throw nativeError('shut down', 'SHUT_DOWN')
  }
  dispose() {}
}

/** An addon of which only these members are called. */
function fake(members: Partial<Addon>): Addon {
  return wrapAddon({
    images: async () => new Images(),
    trainer: async () => new Trainer() as unknown as NativeTrainer,
    ...members,
  } as Addon)
}

const failing = (cause: unknown) =>
  fake({ info: () => Promise.reject(cause) })
    .info()
    .then(
      () => expect.unreachable('it did not fail'),
      (error) => error as ShinsakuError,
    )

const trainerOf = async (addon: Addon) => addon.trainer({}, await addon.images(new Uint8Array(), [], 'cpu'))

describe('errors', () => {
  test.each(['LOSS_NOT_FINITE', 'OUT_OF_MEMORY', 'SHAPE_INVALID'] as const)('%s keeps its code', async (code) => {
    const cause = nativeError('what happened', code)
    const error = await failing(cause)
    expect(error).toBeInstanceOf(ShinsakuError)
    expect(error.code).toBe(code)
    expect(error.message).toBe('what happened')
    expect(error.hint).toBe(errorTable[code])
    expect(error.cause).toBe(cause)
    expect(error.details).toEqual({ call: 'info' })
  })

  test('facts that the native part gives are in the details', async () => {
    const details = { tensor: 'model.weight', element: 3 }
    const error = await failing(Object.assign(nativeError('what happened', 'WEIGHTS_NOT_FINITE'), { details }))
    expect(error.details).toEqual({ ...details, call: 'info' })
  })

  test.each([undefined, 'ERR_SOMETHING', 'toString'])('code %s is none of ours: NATIVE_FAILED', async (code) => {
    const cause = nativeError('what happened', code)
    const error = await failing(cause)
    expect(error).toBeInstanceOf(ShinsakuError)
    expect(error.code).toBe('NATIVE_FAILED')
    expect(error.message).toBe('info failed: what happened')
    expect(error.cause).toBe(cause)
  })

  test.each(['only text', null, undefined, 7])('%s thrown in place of an error', async (cause) => {
    const error = await failing(cause)
    expect(error.code).toBe('NATIVE_FAILED')
    expect(error.message).toBe(`info failed: ${cause}`)
  })

  test('thrown at once, not by the promise', async () => {
    const trainer = await trainerOf(fake({}))
    expect(() => trainer.tensors()).toThrow(ShinsakuError)
    expect(() => trainer.tensors()).toThrow(expect.objectContaining({ code: 'SHUT_DOWN' }))
  })

  test('from a handle of a handle, named by its class', async () => {
    const sampler = await (await (await trainerOf(fake({}))).inferenceModel('ema')).sampler({})
    await expect(sampler.step()).rejects.toMatchObject({
      code: 'NATIVE_FAILED',
      message: 'Sampler.step failed: c10 says no',
      details: { call: 'Sampler.step' },
    })
  })
})

describe('what passes', () => {
  test('results and the state of the handle', async () => {
    const trainer = await trainerOf(fake({}))
    expect(await trainer.step(1)).toEqual({ loss: [1] })
    await expect(trainer.step(2)).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' })
    expect(await trainer.step(1)).toEqual({ loss: [4] })
  })

  test('the addon gets its own handles back, not their wrappers', async () => {
    const images = new Images()
    let given: unknown
    const addon = fake({
      images: async () => images,
      trainer: async (_spec, handle) => {
        given = handle
        return new Trainer() as unknown as NativeTrainer
      },
    })
    const wrapped = await addon.images(new Uint8Array(), [], 'cpu')
    expect(wrapped).not.toBe(images)
    await addon.trainer({}, wrapped)
    expect(given).toBe(images)
    wrapped.dispose()
    expect(images.disposed).toBe(true)
  })
})
