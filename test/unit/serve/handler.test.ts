/** The handler over played models: the API's form, refusals before any work, batches, clients that leave, and the end. */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readMetadata, readPixels } from '../../../lib/images/decode.ts'
import { createHandler } from '../../../lib/index.ts'
import { fakeModel, fakePixels } from '../../helpers/fake-model.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { ask, eventsOf, fakeServer, generate, jsonOf, metricOf } from '../../helpers/serve.ts'
import { tally, times } from '../../helpers/tally.ts'
import { until } from '../../helpers/until.ts'

/** A step that waits until it is let go. */
function gate() {
  let open!: () => void
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}

const fileOf = (base64: string): string => {
  const path = join(temporaryFolder(), 'picture.png')
  writeFileSync(path, Buffer.from(base64, 'base64'))
  return path
}

describe('POST /v1/images/generations', () => {
  test('a bare request as clients send it gives one picture, marked, with its seed and where it is from', async () => {
    const { handler } = fakeServer()
    const response = await generate(handler, { prompt: 'a', model: null, n: null, size: null })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    const { created, data, ...rest } = await jsonOf(response)
    expect(created).toBeGreaterThan(1.7e9)
    expect(rest).toMatchObject({ model: 'faces', size: '16x16', output_format: 'png', images: 120 })
    expect(data).toHaveLength(1)
    const file = fileOf(data[0].b64_json)
    const found = await readMetadata(file)
    expect(found?.digitalSourceType).toContain('trainedAlgorithmicMedia')
    expect(found?.settings).toMatchObject({
      seed: data[0].seed,
      run: '00000-fake',
      checkpoint: 'ab'.repeat(8),
      batch: 1,
    })
    const pixels = await readPixels(file, { width: 16, height: 16, channels: 3 })
    const plain = fakePixels(data[0].seed, 16, 3)
    const changed = pixels.findLastIndex((value, i) => value !== plain[i])
    // The mark is in the lower half only, at the right.
    expect(pixels.findIndex((value, i) => value !== plain[i])).toBeGreaterThan(16 * 8 * 3)
    expect(changed).toBeGreaterThan(0)
  })

  test('n pictures have following seeds, which wrap at 2^32', async () => {
    const { handler } = fakeServer()
    const { data } = await jsonOf(generate(handler, { n: 3, seed: 2 ** 32 - 2, response_format: 'url' }))
    expect(data.map(({ seed }: { seed: number }) => seed)).toEqual([2 ** 32 - 2, 2 ** 32 - 1, 0])
    expect(data[0].url).toMatch(/^data:image\/png;base64,/)
  })

  test('between two seeds: evenly, or at one place; near one: towards seeds at random', async () => {
    const { handler } = fakeServer()
    const places = async (body: unknown) =>
      (await jsonOf(generate(handler, body))).data.map(({ b64_json: _, ...place }: Record<string, unknown>) => place)
    expect(await places({ n: 3, seed: 1, to_seed: 9 })).toEqual([
      { seed: 1 },
      { seed: 1, to_seed: 9, mix: 0.5 },
      { seed: 9 },
    ])
    expect(await places({ seed: 1, to_seed: 9, mix: 0.2 })).toEqual([{ seed: 1, to_seed: 9, mix: 0.2 }])
    const near = await places({ n: 2, seed: 4, mix: 0.1 })
    expect(near).toMatchObject([
      { seed: 4, mix: 0.1 },
      { seed: 4, mix: 0.1 },
    ])
    expect(near[0].to_seed).not.toBe(near[1].to_seed)
  })

  test('a stream gives previews and the picture, as the types of the API have them', async () => {
    const { handler } = fakeServer()
    const response = await generate(handler, { seed: 5, stream: true, partial_images: 2, output_format: 'webp' })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = await eventsOf(response)
    expect(events.at(-1)).toMatchObject({
      type: 'image_generation.completed',
      index: 0,
      seed: 5,
      output_format: 'webp',
    })
    expect(events.at(-1).usage.total_tokens).toBe(0)
    const previews = events.slice(0, -1)
    expect(previews.length).toBeGreaterThan(0)
    for (const [i, event] of previews.entries())
      expect(event).toMatchObject({ type: 'image_generation.partial_image', partial_image_index: i, size: '16x16' })
  })

  test.each([
    ['no object', [], { code: 'REQUEST_INVALID', param: null }],
    ['no JSON', '{', { code: 'REQUEST_INVALID', param: null }],
    ['an unknown field', { sede: 1 }, { code: 'REQUEST_INVALID', param: 'sede' }],
    ['__proto__', '{"__proto__": {"n": 2}}', { code: 'REQUEST_INVALID', param: '__proto__' }],
    ['a wrong type', { n: '2' }, { code: 'REQUEST_INVALID', param: 'n' }],
    ['too many pictures', { n: 9 }, { code: 'REQUEST_INVALID', param: 'n' }],
    ['too many steps', { steps: 101 }, { code: 'REQUEST_INVALID', param: 'steps' }],
    ['a seed of more than 32 bits', { seed: 2 ** 32 }, { code: 'REQUEST_INVALID', param: 'seed' }],
    ['another size', { size: '1024x1024' }, { code: 'REQUEST_INVALID', param: 'size' }],
    ['no mark', { watermark: false }, { code: 'REQUEST_INVALID', param: 'watermark' }],
    ['previews without a stream', { partial_images: 1 }, { code: 'REQUEST_INVALID', param: 'partial_images' }],
    ['an unknown model', { model: 'gpt-image-1' }, { code: 'MODEL_UNKNOWN', param: 'model' }],
  ])('refuses %s', async (_, body, expected) => {
    const { handler, native } = fakeServer()
    await handler.ready()
    const made = native.calls.length
    const response = await generate(handler, body)
    expect(response.status).toBe(expected.code === 'MODEL_UNKNOWN' ? 404 : 400)
    const { error } = await jsonOf(response)
    expect(error).toMatchObject({ ...expected, type: 'invalid_request_error' })
    expect(error.message).not.toBe('')
    expect(native.calls.length).toBe(made)
  })

  test('takes what has no meaning here, and what the operator allows', async () => {
    const { handler } = fakeServer({ unmarked: true, anyModel: true })
    const body = {
      model: 'gpt-image-1',
      quality: 'auto',
      style: 'vivid',
      moderation: 'low',
      user: 'u',
      background: 'auto',
    }
    const { data } = await jsonOf(generate(handler, { ...body, seed: 3, watermark: false }))
    const pixels = await readPixels(fileOf(data[0].b64_json), { width: 16, height: 16, channels: 3 })
    expect(Buffer.compare(pixels, fakePixels(3, 16, 3))).toBe(0)
  })

  test('R64 another content type is 415, a long body 413, a slow one 408', async () => {
    const { handler } = fakeServer({ maxBody: 256, bodyTime: 0.02 })
    await handler.ready()
    const status = async (asked: Parameters<typeof ask>[2]) =>
      (await ask(handler, '/v1/images/generations', asked)).status
    expect(await status({ body: '{}', headers: { 'content-type': 'text/plain' } })).toBe(415)
    expect(await status({ body: { prompt: 'x'.repeat(300) } })).toBe(413)
    const slow = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: slow, duplex: 'half' }
    const response = await handler(new Request('http://localhost/v1/images/generations', init as RequestInit))
    expect([response.status, response.headers.get('connection')]).toEqual([408, 'close'])
  })

  test('R64 random bodies are answered with 4xx only', async () => {
    const { handler } = fakeServer()
    await handler.ready()
    let state = 1
    const random = (most: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state % most
    }
    const names = ['n', 'seed', 'size', 'model', 'prompt', 'stream', 'x', '__proto__', 'constructor', 'mix']
    const values = () => [null, -1, 2 ** 1023, '', 'auto', [], {}, true, 1.5, '\u0000', { toString: 1 }][random(11)]
    const anyBody = (i: number) => {
      if (i % 3 === 0) return String.fromCharCode(...Array.from({ length: random(40) }, () => random(0x3000)))
      const fields = Array.from({ length: 1 + random(4) }, () => [names[random(names.length)], values()])
      return JSON.stringify({ ...Object.fromEntries(fields), wrong: 1 })
    }
    const [total, atOnce] = [times(300, 1_000_000), 100]
    let refused = 0
    for (let from = 0; from < total; from += atOnce) {
      const bodies = Array.from({ length: atOnce }, (_, i) => anyBody(from + i))
      const statuses = await Promise.all(bodies.map(async (body) => (await generate(handler, body)).status))
      expect(statuses.filter((status) => status !== 400)).toEqual([])
      refused += atOnce
    }
    tally('Random bodies of a request: refused with 400', total, refused)
  })
})

describe('limits', () => {
  test('R60 2,000 requests at once on a queue of 64: every accepted one is answered, the others 503 with Retry-After', async () => {
    const { handler, native } = fakeServer({ maxQueue: 64, maxPerClient: 1000, batch: 8 })
    await handler.ready()
    const tries = Array.from({ length: 2000 }, (_, i) =>
      generate(handler, { seed: i }, { from: `10.0.${i >> 8}.${i & 255}` }),
    )
    const responses = await Promise.all(tries)
    const accepted = responses.filter(({ status }) => status === 200)
    const refused = responses.filter(({ status }) => status === 503)
    expect(accepted.length + refused.length).toBe(2000)
    expect(accepted.length).toBeGreaterThanOrEqual(64)
    for (const response of refused) expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    for (const response of accepted) expect((await jsonOf(response)).data).toHaveLength(1)
    expect(native.samplers).toBe(0)
    const { error } = await jsonOf(refused[0]!)
    expect(error).toMatchObject({ code: 'SERVER_BUSY', type: 'server_error' })
  })

  test('R60 one client cannot take all places: 429', async () => {
    const held = gate()
    const { handler } = fakeServer({ maxPerClient: 2 }, (call) => call > 0 && held.opened)
    await handler.ready()
    const first = [1, 2].map((seed) => generate(handler, { seed }, { from: '10.0.0.1' }))
    await until(async () => (await metricOf(handler, 'shinsaku_admitted_total')) === 2)
    const third = await generate(handler, {}, { from: '10.0.0.1' })
    expect(third.status).toBe(429)
    expect((await jsonOf(third)).error).toMatchObject({ code: 'CLIENT_LIMIT', type: 'rate_limit_error' })
    const other = generate(handler, {}, { from: '10.0.0.2' })
    held.open()
    expect((await Promise.all([...first, other])).map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('R61 a client that leaves frees its place within one step, waiting or computed', async () => {
    const held = gate()
    const steps: number[] = []
    const { handler, native } = fakeServer({}, (call, step) => {
      steps.push(call)
      return call === 1 && step === 1 && held.opened
    })
    await handler.ready()
    const [first, second] = [new AbortController(), new AbortController()]
    const running = generate(handler, { seed: 1 }, { signal: first.signal })
    await until(() => steps.filter((call) => call === 1).length === 2)
    const waiting = generate(handler, { seed: 2 }, { signal: second.signal })
    await until(async () => (await metricOf(handler, 'shinsaku_waiting')) === 1)
    second.abort()
    expect((await waiting).status).toBe(500)
    expect(await metricOf(handler, 'shinsaku_waiting')).toBe(0)
    first.abort()
    expect((await running).status).toBe(500)
    held.open()
    expect((await generate(handler, { seed: 3 })).status).toBe(200)
    // The first got no step after the one in which it left; the second none at all.
    expect(steps.filter((call) => call === 1)).toHaveLength(2)
    expect(native.calls.slice(1)).toEqual([[1], [3]])
    expect(native.samplers).toBe(0)
  })

  test('R65 the numbers add up to the requests', async () => {
    const { handler } = fakeServer(
      {},
      (call) => {
        if (call === 2) throw new Error('no memory at /secret/path')
      },
      undefined,
    )
    await handler.ready()
    const statuses = []
    for (const body of [{ seed: 1 }, { seed: 2 }, { n: 2, seed: 3 }, { n: 99 }])
      statuses.push((await generate(handler, body)).status)
    expect(statuses).toEqual([200, 500, 200, 400])
    const of = (name: string) => metricOf(handler, `shinsaku_${name}`)
    expect(await of('admitted_total')).toBe(4)
    expect(await of('pictures_total{outcome="done"}')).toBe(3)
    expect(await of('pictures_total{outcome="failed"}')).toBe(1)
    expect(await of('requests_total{route="generations"')).toBe(4)
  })

  test('R66 what fails is not told to clients; readyz is false until a step goes well', async () => {
    const errors: unknown[] = []
    const { handler } = fakeServer({ onError: (error) => errors.push(error) }, (call) => {
      if (call === 1) throw new Error('no memory at a secret path')
    })
    await handler.ready()
    expect((await ask(handler, '/readyz')).status).toBe(200)
    const failed = await generate(handler, {})
    expect(failed.status).toBe(500)
    expect(await failed.text()).not.toContain('secret')
    expect(errors).toHaveLength(1)
    expect(await jsonOf(ask(handler, '/readyz'))).toEqual({ ready: false, why: 'failed' })
    expect((await generate(handler, {})).status).toBe(200)
    expect((await ask(handler, '/readyz')).status).toBe(200)
  })
})

describe('models', () => {
  test('several by name; a client that names none keeps its own', async () => {
    const [a, b] = [fakeModel().model, fakeModel().model]
    const handler = createHandler({ a, b }, { split: ['a=75', 'b=25'], maxQueue: 1000 })
    const { data } = await jsonOf(ask(handler, '/v1/models'))
    expect(data.map(({ id }: { id: string }) => id)).toEqual(['a', 'b'])
    expect(data[0]).toMatchObject({
      object: 'model',
      kind: 'diffusion',
      size: 16,
      images: 120,
      data: null,
      copyShare: null,
    })
    const of = async (from: string) => (await jsonOf(generate(handler, {}, { from }))).model
    const clients = Array.from({ length: 200 }, (_, i) => `10.1.0.${i}`)
    const chosen = await Promise.all(clients.map(of))
    expect(await Promise.all(clients.slice(0, 20).map(of))).toEqual(chosen.slice(0, 20))
    const share = chosen.filter((name) => name === 'a').length / chosen.length
    expect(share).toBeGreaterThan(0.6)
    expect(share).toBeLessThan(0.9)
  })

  test.each([
    ['no model', {}, {}],
    ['an empty path', '', {}],
  ])('%s is OPTION_INVALID', (_, models, options) => {
    expect(() => createHandler(models as string, options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })

  test('wrong options reject ready() and every request', async () => {
    const { model } = fakeModel()
    const split = createHandler({ a: model }, { split: ['x=1'] })
    await expect(split.ready()).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const wrong = createHandler({ a: model }, { batch: 0 })
    await expect(ask(wrong, '/healthz')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })

  test('a run that is not there: not ready, 503, and the reason for the operator only', async () => {
    const errors: unknown[] = []
    const handler = createHandler('runs/nowhere', { onError: (error) => errors.push(error) })
    await expect(handler.ready()).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    expect(await jsonOf(ask(handler, '/readyz'))).toEqual({ ready: false, why: 'opening' })
    const response = await generate(handler, {})
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await response.text()).not.toContain('nowhere')
  })
})

describe('who may ask', () => {
  test('R67 with a token: missing and wrong ones get 401, health none needs', async () => {
    const { handler } = fakeServer({ token: 'a-long-enough-token' })
    const status = async (path: string, authorization?: string) =>
      (await ask(handler, path, authorization === undefined ? {} : { headers: { authorization } })).status
    for (const path of ['/v1/models', '/metrics', '/openapi.json']) {
      expect(await status(path)).toBe(401)
      expect(await status(path, 'Bearer a-long-enough-tokem')).toBe(401)
      expect(await status(path, 'Basic a-long-enough-token')).toBe(401)
      expect(await status(path, 'Bearer a-long-enough-token')).toBe(200)
    }
    expect([await status('/healthz'), await status('/readyz'), await status('/')]).toEqual([200, 200, 200])
    const { error } = await jsonOf(generate(handler, {}))
    expect(error).toMatchObject({ code: 'TOKEN_INVALID', type: 'authentication_error' })
  })

  test('R68 nothing is open to other sites, and the page may load nothing else', async () => {
    const { handler } = fakeServer()
    const page = await ask(handler, '/')
    const headers = Object.fromEntries(page.headers)
    expect(headers['content-security-policy']!.replace(/'sha256-[^']+'/g, 'HASH')).toBe(
      "default-src 'none'; img-src data:; style-src HASH; script-src HASH; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    )
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    expect(headers['x-content-type-options']).toBe('nosniff')
    const preflight = await ask(handler, '/v1/images/generations', { method: 'OPTIONS' })
    expect([preflight.status, preflight.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('other addresses and methods are ROUTE_UNKNOWN; paths count by their end', async () => {
    const { handler } = fakeServer()
    expect((await jsonOf(ask(handler, '/nothing'))).error).toMatchObject({ code: 'ROUTE_UNKNOWN' })
    expect((await ask(handler, '/v1/models', { body: {} })).status).toBe(405)
    expect((await ask(handler, '/studio/v1/models')).status).toBe(200)
    const { handler: bare } = fakeServer({ page: false })
    expect((await ask(bare, '/')).status).toBe(404)
  })
})

describe('R63 the end', () => {
  test('what is asked for is finished, what comes later is refused', async () => {
    const held = gate()
    const { handler, native } = fakeServer({}, (call) => call > 0 && held.opened)
    await handler.ready()
    const asked = [generate(handler, { seed: 1 }), generate(handler, { seed: 2, stream: true })]
    await until(async () => (await metricOf(handler, 'shinsaku_admitted_total')) === 2)
    const closed = handler.close(10)
    expect(await jsonOf(ask(handler, '/readyz'))).toEqual({ ready: false, why: 'ending' })
    expect((await generate(handler, {})).status).toBe(503)
    held.open()
    expect(await closed).toBe(true)
    const [whole, stream] = await Promise.all(asked)
    expect((await jsonOf(whole!)).data).toHaveLength(1)
    expect((await eventsOf(stream!)).at(-1).type).toBe('image_generation.completed')
    expect(native.samplers).toBe(0)
  })

  test('what takes longer than the time for it gets an error, and nothing stays', async () => {
    const held = gate()
    const { handler, native } = fakeServer({}, (call) => call > 0 && held.opened)
    await handler.ready()
    const whole = generate(handler, { seed: 1 })
    const stream = generate(handler, { seed: 2, stream: true })
    await until(async () => (await metricOf(handler, 'shinsaku_admitted_total')) === 2)
    const closed = handler.close(0.01)
    expect((await jsonOf(whole)).error.code).toBe('SERVER_BUSY')
    expect((await eventsOf(await stream)).at(-1)).toMatchObject({ type: 'error', error: { code: 'SERVER_BUSY' } })
    held.open()
    expect(await closed).toBe(false)
    expect(native.samplers).toBe(0)
  })
})
