/**
 * Samples pictures with a model that `exportOnnx()` wrote, in a browser or in Node, through onnxruntime-web or
 * onnxruntime-node. Needs nothing else. The same seed gives the picture of `model.sample()`, each value within 1 of 255.
 */
import type { SamplingPlan, StepCombination } from '../../native/addon.ts'
import { encodeLabels, type PictureLabels } from '../../options/labels.ts'
import { type Description, readDescription } from './description.ts'
import { TorchGenerator } from './random.ts'

export type { Description } from './description.ts'

type Tensor = { readonly data: unknown }
type Session = {
  readonly outputNames: readonly string[]
  run(feeds: Record<string, Tensor>): Promise<Readonly<Record<string, Tensor>>>
  release?(): Promise<void>
}

/** So much of onnxruntime-web or onnxruntime-node as is used here: what `import * as ort` gives. */
export type OnnxRuntime = {
  readonly InferenceSession: { create(model: Uint8Array, options?: object): Promise<Session> }
  readonly Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => Tensor
}

export type OnnxSampleOptions = {
  /** An integer from 0 to 2^53 - 1, of which the lowest 32 bits count; 0 unless given. */
  seed?: number
  /** One of `sampler.steps`; the first unless given. */
  steps?: number
  /** Of a model with labels, what the picture shows: a value for some of `description.labels`, such as { class: 'cat' }. */
  labels?: PictureLabels
  /** Called after each step with the picture as it is, to show or to wait for a frame. */
  onStep?: ((progress: { step: number; steps: number; picture(): OnnxPicture }) => void | Promise<void>) | undefined
  /** Aborting rejects with its reason before the next step. */
  signal?: AbortSignal | undefined
}

/** `pixels` are uint8 of height, width and channels. */
export type OnnxPicture = { seed: number; size: number; channels: number; pixels: Uint8ClampedArray }

const elements = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1)

/** Opens a model that `exportOnnx()` wrote. Rejects with an Error where it is none, and with the runtime's errors. */
export async function openSampler(
  ort: OnnxRuntime,
  model: Uint8Array,
  sessionOptions?: Readonly<Record<string, unknown>>,
): Promise<OnnxSampler> {
  const description = readDescription(model)
  return new OnnxSampler(ort, await ort.InferenceSession.create(model, sessionOptions), description)
}

export class OnnxSampler {
  readonly description: Description
  readonly #ort: OnnxRuntime
  readonly #session: Session

  constructor(ort: OnnxRuntime, session: Session, description: Description) {
    this.#ort = ort
    this.#session = session
    this.description = description
  }

  /** Numbers of steps that it can sample in, the usual one first; [1] where one pass gives the picture. */
  get steps(): number[] {
    const { plans } = this.description
    return plans.length === 0 ? [1] : plans.map(({ steps }) => steps.length)
  }

  /** Samples one picture. Rejects with an Error for options that it has no plan for. */
  async sample({
    seed = 0,
    steps = this.steps[0]!,
    labels,
    onStep,
    signal,
  }: OnnxSampleOptions = {}): Promise<OnnxPicture> {
    if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`seed must be an integer from 0 on, but is ${seed}`)
    if (!this.steps.includes(steps))
      throw new Error(
        `steps must be one of ${this.steps.join(', ')}, for which the model was exported, but is ${steps}`,
      )
    const row = this.#rowOf(labels)
    const generator = new TorchGenerator(seed)
    const { distribution, shape } = this.description.latent
    const latent = generator[distribution](elements(shape))
    const plan = this.description.plans.find((one) => one.steps.length === steps)
    if (plan) return this.#follow(plan, { seed, latent, generator, onStep, signal })
    signal?.throwIfAborted()
    const output = await this.#run({ z: [latent, shape], ...(row && { labels: [row, [row.length]] }) })
    const picture = () => this.#picture(seed, output)
    await onStep?.({ step: 1, steps: 1, picture })
    return picture()
  }

  /** Labels as the network takes them; undefined for one without any. */
  #rowOf(asked: PictureLabels = {}): Float32Array | undefined {
    const attributes = this.description.labels ?? []
    for (const [name, value] of Object.entries(asked)) {
      const attribute = attributes.find((one) => one.name === name)
      if (!attribute)
        throw new Error(
          `labels has "${name}", which the model does not know; it knows: ${attributes.map((one) => one.name).join(', ') || 'none'}`,
        )
      if (attribute.kind === 'number') {
        if (typeof value === 'number' && value >= attribute.min && value <= attribute.max) continue
        throw new Error(`labels.${name} must be a number from ${attribute.min} to ${attribute.max}, but is ${value}`)
      }
      const unknown = [value].flat().find((word) => !attribute.values.includes(String(word)))
      if (unknown !== undefined)
        throw new Error(`labels.${name} must be one of ${attribute.values.join(', ')}, but is ${unknown}`)
    }
    return attributes.length === 0
      ? undefined
      : Float32Array.from(encodeLabels({ from: '', attributes: [...attributes] }, asked))
  }

  async #run(inputs: Readonly<Record<string, [Float32Array, readonly number[]]>>): Promise<Float32Array> {
    const feeds = Object.entries(inputs).map(([name, [data, shape]]) => [
      name,
      new this.#ort.Tensor('float32', data, [1, ...shape]),
    ])
    const results = await this.#session.run(Object.fromEntries(feeds))
    return results[this.#session.outputNames[0]!]!.data as Float32Array
  }

  async #follow(
    plan: SamplingPlan,
    {
      seed,
      latent,
      generator,
      onStep,
      signal,
    }: Pick<OnnxSampleOptions, 'onStep' | 'signal'> & { seed: number; latent: Float32Array; generator: TorchGenerator },
  ): Promise<OnnxPicture> {
    const {
      latent: { shape },
      selfCondition,
    } = this.description
    let x: Float64Array = Float64Array.from(latent)
    let base = x
    let x0 = new Float64Array(x.length)
    const predictions: Float64Array[] = []
    for (const [index, step] of plan.steps.entries()) {
      signal?.throwIfAborted()
      const output = await this.#run({
        x: [Float32Array.from(x), shape],
        t: [Float32Array.of(step.time), []],
        ...(selfCondition && { condition: [Float32Array.from(x0), shape] as [Float32Array, readonly number[]] }),
      })
      x0 = x.map((value, i) => clamp(step.xToX0 * value + step.outputToX0 * output[i]!))
      if (index === 0) x = combine(plan.start, x, [x0])
      predictions.unshift(x.map((value, i) => step.xToPrediction * value + step.x0ToPrediction * x0[i]!))
      base = step.correct ? combine(step.correct, base, predictions) : x
      x = combine(step.predict, base, predictions, generator)
      predictions.splice(MAX_PREDICTIONS)
      const now = x
      await onStep?.({ step: index + 1, steps: plan.steps.length, picture: () => this.#picture(seed, now) })
    }
    return this.#picture(seed, x)
  }

  /** Pixels of values [C,H,W]. */
  #picture(seed: number, values: ArrayLike<number>): OnnxPicture {
    const { size, channels, range } = this.description
    const area = size * size
    const pixels = new Uint8ClampedArray(area * channels)
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < channels; c++) {
        const value = values[c * area + i]!
        const byte = range === 'unit' ? (value + 1) * 0.5 * 255 : value * 128 + 128
        pixels[i * channels + c] = Math.floor(byte + 0.5)
      }
    }
    return { seed, size, channels, pixels }
  }

  /** Frees the runtime's memory of the model. */
  async dispose(): Promise<void> {
    await this.#session.release?.()
  }
}

/** No plan looks back on more. */
const MAX_PREDICTIONS = 4

const clamp = (value: number) => Math.min(1, Math.max(-1, value))

function combine(
  { x: factor, model, noise }: StepCombination,
  x: Float64Array,
  predictions: readonly Float64Array[],
  generator?: TorchGenerator,
): Float64Array {
  const sum = x.map((value) => value * factor)
  for (const [k, weight] of model.entries()) {
    const prediction = predictions[k]!
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * prediction[i]!
  }
  if (noise === 0 || !generator) return sum
  const fresh = generator.normal(sum.length)
  for (let i = 0; i < sum.length; i++) sum[i]! += noise * fresh[i]!
  return sum
}
