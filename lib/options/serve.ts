/** Options of `createHandler()` and `shinsaku serve`, and the fields of a request for pictures. */
import { z } from 'zod'
import { loadSpecs } from './common.ts'
import { type Given, option, type Resolved } from './option-spec.ts'
import { count, duration } from './values.ts'

/** Where a mark stands on a picture. */
export const markPlaces = ['top-left', 'top-right', 'bottom-left', 'bottom-right'] as const

/** Options that both have. */
export const serveSpecs = {
  split: option(
    z
      .array(z.string().regex(/^[^=]+=\d+(\.\d+)?$/, 'expected a name and a share, such as "faces=90"'))
      .min(1)
      .nullable(),
    'Shares of the clients that get each model where a request names none, such as a=90,b=10; a client keeps its model. null for the first model.',
    { default: null, placeholder: 'NAME=SHARE,...' },
  ),
  anyModel: option(
    z.boolean(),
    'Answer a request that names a model which is not here with the usual one. Some programs always send the same name.',
    { default: false },
  ),
  batch: option(
    count(1, 64).nullable(),
    'Pictures that one denoising step computes. It is always the same number, because another one changes the last bits of a picture; null for 8 on a GPU and 1 on a CPU.',
    { default: null },
  ),
  steps: option(
    count(1, 10000).nullable(),
    'Denoising steps where a request does not say; null for those usual for the model.',
    {
      default: null,
    },
  ),
  maxSteps: option(count(1, 10000), 'Most denoising steps that a request may ask for.', { default: 100 }),
  maxCount: option(count(1, 10), 'Most pictures of one request.', { default: 8 }),
  maxQueue: option(
    count(1, 100_000),
    'Pictures that may wait at one time; further requests get 503 with Retry-After.',
    {
      default: 64,
    },
  ),
  maxPerClient: option(
    count(1, 100_000),
    'Pictures of one client that may wait or be computed at one time; further requests of it get 429.',
    { default: 16 },
  ),
  maxWait: option(
    duration,
    'Longest time that a picture may wait for its first step. A request that would wait longer gets 503 at once.',
    { default: '60s', placeholder: 'TIME' },
  ),
  maxBody: option(count(256, 2 ** 20), 'Most bytes of a request.', { default: 16_384, placeholder: 'BYTES' }),
  bodyTime: option(duration, 'Longest time in which a request must have arrived.', {
    default: '10s',
    placeholder: 'TIME',
  }),
  mark: option(
    z.string().min(1).nullable(),
    'Visible mark on every picture: a few letters, or the path of a PNG or WebP file; null for none.',
    { default: 'AI', placeholder: 'TEXT|FILE' },
  ),
  markAt: option(z.enum(markPlaces), 'Corner of the mark.', { default: 'bottom-right' }),
  unmarked: option(z.boolean(), 'Let a request ask for pictures without the mark.', { default: false }),
  page: option(z.boolean(), 'Answer / with the demo page.', { default: true }),
  device: loadSpecs.device,
  threads: loadSpecs.threads,
  at: loadSpecs.at,
} as const

/** Options of the command only. */
export const serverSpecs = {
  host: option(z.string().min(1), 'Address to listen on. One that others can reach needs a token in SHINSAKU_TOKEN.', {
    default: '127.0.0.1',
    placeholder: 'ADDRESS',
  }),
  port: option(count(0, 65535), 'Port to listen on; 0 takes a free one.', { default: 8080 }),
  follow: option(
    z.boolean(),
    'Look every ten seconds whether a run has a newer checkpoint, and serve that. SIGHUP does so at once, in any case.',
    { default: false },
  ),
  drainTime: option(duration, 'After SIGTERM, how long pictures that are asked for may take to be finished.', {
    default: '20s',
    placeholder: 'TIME',
  }),
} as const

export type ServeOptions = Given<typeof serveSpecs>
export type ResolvedServeOptions = Resolved<typeof serveSpecs>
export type ResolvedServerOptions = Resolved<typeof serverSpecs>

/** Fields that programs send and that mean nothing here. */
const ignored = z.unknown()
const IGNORED = 'Taken, and without effect.'

/** Random streams begin with 32 bits. */
const seed32 = z
  .int()
  .min(0)
  .max(2 ** 32 - 1)

/** Fields of `POST /v1/images/generations`. Each may be null, which is as if it were absent. */
export const generationSpecs = {
  model: option(z.string().max(200), 'Name of a model, of those that GET /v1/models lists.'),
  prompt: option(
    z.string().max(4000),
    'What to make, in words that the model has learned; of a model without labels it has no effect.',
  ),
  label: option(z.string().min(1).max(200), 'What to make, of a model with labels: a class, a word or an attribute.'),
  attributes: option(
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
    'Several attributes of a model with labels, such as {"hair": "red", "glasses": true}.',
  ),
  guidance: option(
    z.number().min(0).max(100),
    'How strongly the picture follows label, attributes or prompt: 1 is as learned, 2 is usual, and takes two passes of the network a step.',
  ),
  n: option(z.int().min(1).max(10), 'Pictures; the operator may allow fewer.', { default: 1 }),
  size: option(
    z.string().regex(/^(auto|\d{1,5}x\d{1,5})$/, 'expected "auto" or a size such as "128x128"'),
    'Size of the pictures. A model has one; "auto" is that.',
    { default: 'auto' },
  ),
  seed: option(
    seed32,
    'Seed of the first picture; the next ones take seed + 1, seed + 2, ... At random where it is absent.',
  ),
  to_seed: option(
    seed32,
    'Another seed, for pictures between both: n of them, evenly from seed to to_seed, both among them; with mix, at just that place.',
  ),
  mix: option(
    z.number().min(0).max(1),
    'How far from seed to to_seed, 0 to 1. Without to_seed, each picture lies that far towards a seed at random: more like the one of seed.',
  ),
  steps: option(z.int().min(1).max(10000), 'Denoising steps; the operator may allow fewer.'),
  num_inference_steps: option(z.int().min(1).max(10000), 'The same as steps.'),
  response_format: option(z.enum(['b64_json', 'url']), 'Whether a picture comes as base64, or as a data: URL.', {
    default: 'b64_json',
  }),
  output_format: option(z.enum(['png', 'webp']), 'Format of the files; both are without loss.', { default: 'png' }),
  watermark: option(
    z.boolean(),
    'Whether the visible mark is on the pictures; false only where the operator allows it.',
    {
      default: true,
    },
  ),
  stream: option(z.boolean(), 'Whether the answer is a stream of server-sent events.', { default: false }),
  partial_images: option(z.int().min(0).max(20), 'Previews of each picture while it is made, in a stream.', {
    default: 0,
  }),
  user: option(z.string().max(200), IGNORED),
  quality: option(ignored, IGNORED),
  style: option(ignored, IGNORED),
  background: option(ignored, IGNORED),
  moderation: option(ignored, IGNORED),
  output_compression: option(ignored, IGNORED),
} as const

/** Whether a value is one that programs send in vain. */
export const isIgnored = (name: keyof typeof generationSpecs): boolean => generationSpecs[name].help === IGNORED
