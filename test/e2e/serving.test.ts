/** `shinsaku serve` and the handler in other frameworks: real clients, a real model of 16 pixels, and the end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readPixels } from '../../lib/images/decode.ts'
import { createHandler, load, type Picture, type TrainCall, train } from '../../lib/index.ts'
import { rawAnswer, startServer } from '../helpers/backends.ts'
import { cliProgram, runCli } from '../helpers/cli-process.ts'
import { sharedFolder, tinyRun, usePictures } from '../helpers/runs.ts'
import { ask, generate, jsonOf } from '../helpers/serve.ts'
import { until } from '../helpers/until.ts'

const folder = sharedFolder()
const data = usePictures(10)
let run: string

beforeAll(async () => {
  const options: TrainCall = { size: 16, dim: 8, dimMults: [1, 2], timesteps: 30, batch: 4, device: 'cpu', threads: 1 }
  const model = await train({ ...options, data, previews: 0, maxImages: 8, out: join(folder, 'runs') })
  run = model.run
  model.dispose()
})

const started: ChildProcess[] = []
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
})

async function serve(...flags: string[]) {
  const child = spawn(process.execPath, [cliProgram, 'serve', `faces=${run}`, '--port', '0', '--json', ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SHINSAKU_TOKEN: '' },
  })
  started.push(child)
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    ended.then(([code]) => Promise.reject(new Error(`serve ended with ${code}: ${errors}`))),
  ])
  const { url } = JSON.parse(line) as { url: string }
  return { child, url, ended, errors: () => errors }
}

const asked = (url: string, body: object, signal?: AbortSignal) =>
  fetch(`${url}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  })

test('R62 with rows of 8, neighbours change nothing: the bytes are those of sample() with batch 8', async () => {
  const handler = createHandler({ faces: run }, { batch: 8, mark: null, device: 'cpu', threads: 1 })
  const seeds = [7, 8, 9, 7, 2 ** 32 - 1, 11]
  const answers = await Promise.all(seeds.map((seed, i) => jsonOf(generate(handler, { seed, steps: i === 1 ? 3 : 5 }))))
  const model = await load(run, { device: 'cpu', threads: 1 })
  for (const [i, answer] of answers.entries()) {
    const path = join(folder, `answer-${i}.png`)
    writeFileSync(path, Buffer.from(answer.data[0].b64_json, 'base64'))
    const served = await readPixels(path, { width: 16, height: 16, channels: 3 })
    const alone = await model.sample({ seed: seeds[i]!, steps: i === 1 ? 3 : 5, batch: 8 })
    expect(Buffer.compare(served, alone.pixels)).toBe(0)
  }
  const { data: list } = await jsonOf(ask(handler, '/v1/models'))
  expect(list[0].data).toMatchObject({ count: 10, rights: [{ licence: null, count: 10 }] })
  expect(await handler.close()).toBe(true)
  model.dispose()
})

test('a newer checkpoint is gone over to while requests run: those before it keep the old weights', async () => {
  const out = join(folder, 'followed')
  const options: TrainCall = { size: 16, dim: 8, dimMults: [1, 2], timesteps: 30, batch: 4, device: 'cpu', threads: 1 }
  const first = await train({ ...options, data, previews: 0, maxImages: 4, out })
  first.dispose()
  const handler = createHandler({ faces: first.run }, { device: 'cpu', threads: 1, mark: null })
  expect(await handler.reload()).toEqual([])
  const before = await jsonOf(generate(handler, { seed: 5, steps: 2 }))
  const second = await train({ resume: first.run, maxImages: 8 })
  second.dispose()
  const running = [1, 2, 3].map((seed) => jsonOf(generate(handler, { seed, steps: 30 })))
  await until(async () => /admitted_total 4/.test(await (await ask(handler, '/metrics')).text()))
  expect(await Promise.all([handler.reload(), handler.reload()])).toEqual([['faces'], ['faces']])
  const after = await jsonOf(generate(handler, { seed: 5, steps: 2 }))
  expect([before.images, after.images]).toEqual([4, 8])
  expect(after.data[0].b64_json).not.toBe(before.data[0].b64_json)
  for (const { images, data: pictures } of await Promise.all(running)) expect([images, pictures.length]).toEqual([4, 1])
  // A run that is gone is said, and what is open goes on.
  renameSync(first.run, `${first.run}-gone`)
  await expect(handler.reload()).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  expect((await generate(handler, { steps: 2 })).status).toBe(200)
  expect(await handler.close()).toBe(true)
  expect(await handler.reload()).toEqual([])
})

test('a model of one pass is served the bytes of sample(), however many ask at once', async () => {
  const model = await tinyRun(join(folder, 'runs'), data, { model: 'stylegan2', maxImages: 8 })
  const handler = createHandler({ faces: model.run }, { mark: null, device: 'cpu', threads: 1 })
  const answers = await Promise.all([5, 6].map((seed) => jsonOf(generate(handler, { seed, n: 2 }))))
  const expected: Picture[] = []
  for await (const picture of model.sample({ seeds: [5, 6, 6, 7] })) expected.push(picture)
  for (const [i, { b64_json: png }] of answers.flatMap(({ data }) => data).entries()) {
    const path = join(folder, `one-pass-${i}.png`)
    writeFileSync(path, Buffer.from(png, 'base64'))
    const served = await readPixels(path, { width: 32, height: 32, channels: 3 })
    expect(Buffer.compare(served, expected[i]!.pixels)).toBe(0)
  }
  expect(await handler.close()).toBe(true)
  model.dispose()
})

describe('shinsaku serve', () => {
  test('answers the client of OpenAI, in a stream, too, and with errors of its classes', async () => {
    const { child, url, ended, errors } = await serve('--steps', '3')
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
    const { data: pictures, _request_id } = await client.images.generate({ prompt: 'a face' })
    expect(pictures?.[0]?.b64_json?.length).toBeGreaterThan(100)
    expect(_request_id).toMatch(/^[0-9a-f-]{36}$/)
    expect((await client.models.list()).data[0]?.id).toBe('faces')
    const events: string[] = []
    const stream = await client.images.generate({ prompt: 'a', stream: true, partial_images: 1 })
    for await (const { type } of stream) events.push(type)
    expect(events).toEqual(['image_generation.partial_image', 'image_generation.completed'])
    const failed = await client.images.generate({ prompt: 'a', model: 'gpt-image-1' }).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(OpenAI.NotFoundError)
    expect(failed).toMatchObject({ code: 'MODEL_UNKNOWN', param: 'model', status: 404 })
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    // A name that somebody else has given to this machine.
    const rebound = await rawAnswer(url, 'GET /v1/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    expect(rebound).toMatch(/^HTTP\/1.1 421 /)
    expect(await rawAnswer(url, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    // R63: what is asked for is answered, whole.
    const waiting = [1, 2, 3].map((seed) => asked(url, { seed, steps: 30 }))
    await until(async () => /admitted_total [5-9]/.test(await (await fetch(`${url}/metrics`)).text()))
    child.kill('SIGTERM')
    for (const answer of await Promise.all(waiting)) expect((await jsonOf(answer)).data).toHaveLength(1)
    expect(await ended).toEqual([0, null])
    expect(errors()).toMatch(/^Ending after SIGTERM/)
  })

  test('what cannot be served is said before anybody can connect', async () => {
    const missing = await runCli(folder, ['serve', join(run, 'nothing'), '--port', '0'])
    expect([missing.code, missing.stdout]).toEqual([1, ''])
    expect(missing.stderr).toContain('[RUN_NOT_FOUND]')
    const open = await runCli(folder, ['serve', run, '--host', '0.0.0.0', '--json'])
    expect(JSON.parse(open.stderr).error.code).toBe('TOKEN_MISSING')
  })
})

test.each(['fastify', 'express', 'hono'])('in %s: pictures, a client that leaves, the end', async (name) => {
  const backend = await startServer(`serve-${name}`, [run], { NODE_ENV: 'test' })
  started.push(backend.process)
  expect((await jsonOf(asked(backend.url, { seed: 1, steps: 2 }))).data[0].seed).toBe(1)
  expect((await jsonOf(asked(backend.url, { n: 99 }))).error).toMatchObject({ code: 'REQUEST_INVALID', param: 'n' })
  const gone = new AbortController()
  const answer = asked(backend.url, { n: 8, steps: 30 }, gone.signal).catch(({ name: kind }: Error) => kind)
  const later = asked(backend.url, { seed: 2, steps: 2 })
  setTimeout(() => gone.abort(), 20)
  expect(await answer).toBe('AbortError')
  expect((await later).status).toBe(200)
  expect(await backend.end('SIGTERM')).toEqual({ code: 0, signal: null })
})

test("as a Next route handler: its exports take a request and Next's context", async () => {
  process.env.RUN = run
  const { GET, POST } = await import(new URL('../../docs/examples/next-route.mjs', import.meta.url).href)
  const context = { params: Promise.resolve({ path: ['models'] }) }
  const list = await GET(new Request('http://localhost:3000/v1/models'), context)
  expect((await list.json()).data).toHaveLength(1)
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"steps": 2}' }
  const made = await POST(new Request('http://localhost:3000/v1/images/generations', init), context)
  expect((await made.json()).data).toHaveLength(1)
  await POST.close()
})
