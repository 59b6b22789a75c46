/** A request for pictures, checked field by field against the same table that its description is made from. */
import { randomInt } from 'node:crypto'
import { nearest } from '../options/nearest.ts'
import type { Output } from '../options/option-spec.ts'
import { generationSpecs, isIgnored, type ResolvedServeOptions } from '../options/serve.ts'
import type { Way } from '../sampling/together.ts'
import { requestInvalid } from './answer.ts'

type Specs = typeof generationSpecs
type Fields = { -readonly [K in keyof Specs]?: Output<Specs[K]> | undefined }

/** What is asked for; which model that is, and what it allows, is not looked at yet. */
export type Generation = {
  model: string | undefined
  count: number
  /** Width and height; undefined for those of the model. */
  size: string | undefined
  /** Each picture's seed, and where it lies between two where it is of none itself. */
  places: readonly { seed: number; way?: Way }[]
  steps: number | undefined
  /** In words, which count where the model knows some. */
  prompt: string | undefined
  /** What only a model with labels can do. */
  direction: Pick<Fields, 'label' | 'attributes' | 'guidance'>
  as: 'b64_json' | 'url'
  format: 'png' | 'webp'
  marked: boolean
  stream: boolean
  previews: number
}

const SEEDS = 2 ** 32

const isName = (name: string): name is keyof Specs => Object.hasOwn(generationSpecs, name)

function readField(name: keyof Specs, value: unknown): unknown {
  const parsed = generationSpecs[name].schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw requestInvalid(`${name}: ${parsed.error.issues[0]!.message}`, name)
}

function readFields(body: unknown): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw requestInvalid('The body must be an object, such as {"n": 1}.')
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body)) {
    if (!isName(name)) {
      const near = nearest(name, Object.keys(generationSpecs))
      throw requestInvalid(
        `${JSON.stringify(name.slice(0, 100))} is not a field of a request${near ? `; did you mean "${near}"?` : ''}`,
        name.slice(0, 100),
      )
    }
    // As the clients' types have it, null is a value of every field and stands for none.
    if (value !== null && !isIgnored(name)) fields[name] = readField(name, value)
  }
  return fields as Fields
}

/** Without those that are absent. */
const given = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T

const anySeed = () => randomInt(SEEDS)

/** Pictures of following seeds, or between two. A place at one of both seeds is that seed's own picture. */
function placesOf(n: number, seed: number, toSeed: number | undefined, mix: number | undefined): Generation['places'] {
  if (toSeed === undefined && mix === undefined)
    return Array.from({ length: n }, (_, i) => ({ seed: (seed + i) % SEEDS }))
  return Array.from({ length: n }, (_, i) => {
    const to = toSeed ?? anySeed()
    const at = mix ?? (n === 1 ? 0.5 : i / (n - 1))
    if (at === 0 || at === 1) return { seed: at === 0 ? seed : to }
    return { seed, way: { toSeed: to, mix: at } }
  })
}

/** Throws REQUEST_INVALID, `param` the field that is wrong. */
export function readGeneration(
  body: unknown,
  { maxCount, maxSteps, unmarked }: Pick<ResolvedServeOptions, 'maxCount' | 'maxSteps' | 'unmarked'>,
): Generation {
  const fields = readFields(body)
  const { n = 1, seed = anySeed(), num_inference_steps, steps = num_inference_steps } = fields
  if (n > maxCount) throw requestInvalid(`n: a request may ask for ${maxCount} pictures here, but is ${n}`, 'n')
  if (steps !== undefined && steps > maxSteps)
    throw requestInvalid(`steps: must be at most ${maxSteps} here, but is ${steps}`, 'steps')
  if (fields.watermark === false && !unmarked)
    throw requestInvalid('watermark: pictures come with the visible mark here', 'watermark')
  if (fields.partial_images && !fields.stream)
    throw requestInvalid('partial_images: previews come in a stream only: set stream', 'partial_images')
  return {
    model: fields.model,
    count: n,
    size: fields.size === undefined || fields.size === 'auto' ? undefined : fields.size,
    places: placesOf(n, seed, fields.to_seed, fields.mix),
    steps,
    prompt: fields.prompt?.trim() || undefined,
    direction: given({ label: fields.label, attributes: fields.attributes, guidance: fields.guidance }),
    as: fields.response_format ?? 'b64_json',
    format: fields.output_format ?? 'png',
    marked: fields.watermark ?? true,
    stream: fields.stream ?? false,
    previews: fields.partial_images ?? 0,
  }
}
