/** A model whose native part is played: pictures that follow from their seeds, and a record of what was asked of it. */
import type { NativeInferenceModel, NativeSampler, Spec } from '../../lib/native/addon.ts'
import { resolveTrain } from '../../lib/options/resolve.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { Model } from '../../lib/sampling/model.ts'

export type FakeNative = {
  /** Seeds of each sampler that was made, in order. */
  readonly calls: number[][]
  /** All that each of them was made with. */
  readonly args: Spec[]
  /** Samplers that are not disposed. */
  samplers: number
  /** Native models that are not disposed. */
  models: number
}

const STEPS = 4

/** A byte that no compression finds an order in. */
function mixed(a: number, b: number): number {
  let bits = Math.imul(a + 1, 0x9e3779b1) ^ Math.imul(b + 1, 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d)
  bits = Math.imul(bits ^ (bits >>> 12), 0x297a2d39)
  return (bits ^ (bits >>> 15)) & 255
}

/** The pixels of one picture, whatever is sampled beside it. */
export const fakePixels = (seed: number, size: number, channels: number): Uint8Array =>
  Uint8Array.from({ length: size * size * channels }, (_, i) => mixed(seed, i))

/** What its weights are: their digest, where they are read from a checkpoint, and what is sampled with them. */
type FakeWeights = { digest?: string; pixelsOf?: typeof fakePixels }

/** `step` is called before each step with the number of the call, from 0, and of the step. */
export function fakeModel(
  given: AnyTrainOptions = {},
  step: (call: number, step: number) => unknown = () => {},
  { digest, pixelsOf = fakePixels }: FakeWeights = {},
): { model: Model; native: FakeNative } {
  const options = resolveTrain({ size: 16, ...given })
  const { size, channels } = options
  const native: FakeNative = { calls: [], args: [], samplers: 0, models: 0 }

  function makeSampler(args: Spec): NativeSampler {
    const seeds = args.seeds as readonly number[]
    const call = native.calls.push([...seeds]) - 1
    native.args.push(args)
    let [steps, disposed] = [0, false]
    native.samplers += 1
    return {
      async step() {
        // As the device thread does, it answers later.
        await new Promise((resolve) => setImmediate(resolve))
        await step(call, steps)
        steps += 1
        return steps === STEPS
      },
      progress: async () => steps / STEPS,
      pixels: async () => Uint8Array.from(seeds.flatMap((seed) => [...pixelsOf(seed, size, channels)])),
      values: async () => new Uint8Array(),
      dispose() {
        if (!disposed) native.samplers -= 1
        disposed = true
      },
    }
  }

  async function makeNative(): Promise<NativeInferenceModel> {
    native.models += 1
    let disposed = false
    return {
      async sampler(args) {
        if (disposed) throw new Error('a sampler of a disposed model was asked for')
        return makeSampler(args)
      },
      async stepTogether(samplers) {
        const shares: number[] = []
        for (const sampler of samplers) {
          await sampler.step()
          shares.push(await sampler.progress())
        }
        return Float64Array.from(shares)
      },
      dispose() {
        if (!disposed) native.models -= 1
        disposed = true
      },
    }
  }

  const model = new Model({
    options,
    placement: {
      device: 'cpu',
      precision: 'fp32',
      ops: 'reference',
      graph: false,
      samplingOps: 'reference',
      threads: 1,
    },
    images: 120,
    imagesPerUpdate: 4,
    run: 'runs/00000-fake',
    ...(digest === undefined ? {} : { digest: async () => digest }),
    inferenceModel: makeNative,
  })
  return { model, native }
}
