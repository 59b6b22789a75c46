/** `POST /v1/images/generations`: from the request's fields to pictures, whole or as a stream. */
import { encodePicture } from '../images/encode.ts'
import type { Marker } from '../images/mark.ts'
import type { SampleOptions } from '../options/types.ts'
import type { Picture } from '../sampling/picture.ts'
import { isOurs, json, requestInvalid } from './answer.ts'
import type { Engine } from './engine.ts'
import type { Generation } from './generation.ts'
import type { Job } from './lane.ts'
import type { Served } from './models.ts'
import { eventStream } from './stream.ts'

export type Deps = {
  engine: Engine
  marker: Marker | null
  onError: (error: unknown) => void
  /** Is told of work that goes on after its answer has begun. */
  follow: (work: Promise<unknown>) => void
}

/** Tokens mean nothing here, but the clients' types have them. */
const usage = {
  input_tokens: 0,
  output_tokens: 0,
  total_tokens: 0,
  input_tokens_details: { image_tokens: 0, text_tokens: 0 },
} as const

async function encode(picture: Picture, { marked, format }: Generation, marker: Marker | null): Promise<Uint8Array> {
  const { size, channels, pixels, provenance, seed } = picture
  const shape = { width: size, height: size, channels }
  const shown = marked && marker ? await marker(pixels, shape) : pixels
  return encodePicture(shown, shape, format, { ...provenance, seed })
}

/** The options of each picture, checked. Throws REQUEST_INVALID, OPTION_INVALID. */
function picturesOf(wanted: Generation, { name, lane: { together } }: Served): Job['pictures'] {
  const { places, steps, size, prompt, direction } = wanted
  const own = `${together.size}x${together.size}`
  if (size !== undefined && size !== own)
    throw requestInvalid(`size: the pictures of "${name}" are ${own}, but ${size} is asked for`, 'size')
  if (steps !== undefined && !together.stepped)
    throw requestInvalid(`steps: "${name}" makes a picture in one step`, 'steps')
  const [asked] = Object.keys(direction)
  if (asked !== undefined && !together.labels)
    throw requestInvalid(`${asked}: "${name}" was trained without labels and can be asked for none`, asked)
  const few = steps === undefined ? {} : { steps }
  const words = prompt === undefined || !together.labels ? {} : { prompt }
  return places.map(({ seed, way }) => together.resolve({ seed, ...few, ...words, ...direction } as SampleOptions, way))
}

/** A signal that fires with another, or by its own function. */
function signalWith(other: AbortSignal): { signal: AbortSignal; abort(): void } {
  const own = new AbortController()
  return { signal: AbortSignal.any([other, own.signal]), abort: () => own.abort() }
}

export async function generate(
  wanted: Generation,
  served: Served,
  client: string,
  signal: AbortSignal,
  deps: Deps,
): Promise<Response> {
  const pictures = picturesOf(wanted, served)
  const created = Math.floor(Date.now() / 1000)
  const base = {
    created,
    model: served.name,
    images: served.about.images,
    output_format: wanted.format,
    size: `${served.about.size}x${served.about.size}`,
  }
  const job = { client, lane: served.lane, pictures, previews: wanted.previews }
  return wanted.stream ? streamed(wanted, job, base, signal, deps) : whole(wanted, { ...job, signal }, base, deps)
}

/** What makes a picture again: its seed, and the other one where it lies between two. */
function placeOf({ places }: Generation, index: number): Base {
  const { seed, way } = places[index]!
  return way ? { seed, to_seed: way.toSeed, mix: way.mix } : { seed }
}

type Base = Readonly<Record<string, unknown>>
type Asked = Pick<Job, 'client' | 'lane' | 'pictures' | 'previews'>

const asText = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')

async function whole(
  wanted: Generation,
  job: Asked & { signal: AbortSignal },
  base: Base,
  { engine, marker }: Deps,
): Promise<Response> {
  const files: Promise<Uint8Array>[] = []
  await engine.run({
    ...job,
    onPreview() {},
    onPicture(index, picture) {
      files[index] = encode(picture, wanted, marker)
      // Its failure is met below.
      files[index].catch(() => {})
    },
  })
  const data: Base[] = []
  for (const [index, file] of files.entries()) {
    const base64 = asText(await file)
    const picture = wanted.as === 'url' ? { url: `data:image/${wanted.format};base64,${base64}` } : { b64_json: base64 }
    data.push({ ...picture, ...placeOf(wanted, index) })
  }
  return json({ ...base, data, usage })
}

/** The first event waits until the request is admitted: what is refused is refused by its status. */
async function streamed(
  wanted: Generation,
  job: Asked,
  { created, ...base }: Base,
  requested: AbortSignal,
  { engine, marker, onError, follow }: Deps,
): Promise<Response> {
  const { signal, abort } = signalWith(requested)
  const queue: (() => void)[] = []
  let send: ((type: string, index: number, file: Uint8Array, more: Base) => void) | undefined
  let full = () => false
  const encoding = new Set<Promise<void>>()
  const previewing = new Map<number, Promise<void>>()
  const previews = job.pictures.map(() => 0)
  /** Sends a picture once it is a file, and not before what comes `after`. */
  const show = (type: string, index: number, picture: Picture, more: Base, after?: Promise<void>) => {
    const done = Promise.all([encode(picture, wanted, marker), after]).then(([file]) => {
      const event = () => send!(type, index, file, more)
      if (send) event()
      else queue.push(event)
    })
    encoding.add(done)
    done.finally(() => encoding.delete(done)).catch(() => {})
    return done
  }
  const ran = engine.run({
    ...job,
    signal,
    onPreview(index, picture) {
      // The newest one that the client has time for.
      if (previewing.has(index) || full()) return
      const at = previews[index]!
      previews[index] = at + 1
      const done = show('image_generation.partial_image', index, picture, { partial_image_index: at })
      previewing.set(index, done)
      done.finally(() => previewing.delete(index)).catch(() => {})
    },
    onPicture(index, picture) {
      show('image_generation.completed', index, picture, { usage }, previewing.get(index)).catch(() => {})
    },
  })
  // What is refused before any work rejects in this turn already.
  await Promise.race([ran, new Promise((resolve) => setImmediate(resolve))])
  return eventStream(async (events) => {
    full = () => events.full
    send = (type, index, file, more) =>
      events.send(type, {
        ...base,
        created_at: created,
        index,
        ...placeOf(wanted, index),
        b64_json: asText(file),
        ...more,
      })
    for (const event of queue.splice(0)) event()
    const sent = ran.then(() => Promise.all(encoding))
    follow(sent)
    await sent.catch((error) => {
      if (isOurs(error)) onError(error)
      throw error
    })
  }, abort)
}
