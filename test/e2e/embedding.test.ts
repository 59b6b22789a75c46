/** The backends of docs/embedding.md: they train, tell, draw, refuse what is wrong, and end without losing anything. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { load, type TrainCall } from '../../lib/index.ts'
import { type Backend, type BackendStatus, rawAnswer, startBackend } from '../helpers/backends.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { checkpointsOf, ENDLESS, sharedFolder, usePictures } from '../helpers/runs.ts'
import { until } from '../helpers/until.ts'

const folder = sharedFolder()
const data = usePictures(10)

const options: TrainCall = {
  data,
  model: 'diffusion',
  size: 16,
  dim: 8,
  dimMults: [1, 2],
  timesteps: 30,
  batch: 4,
  device: 'cpu',
  threads: 1,
  previews: 0,
  maxImages: ENDLESS,
}

const training = ({ state, images = 0 }: BackendStatus) => state === 'training' && images > 0
const savedImages = (folder: string) => Number(checkpointsOf(folder).at(-1))

const started: Backend[] = []
const start = async (...args: Parameters<typeof startBackend>) => {
  const backend = await startBackend(...args)
  started.push(backend)
  return backend
}
const endAll = async () => {
  for (const { process } of started.splice(0)) process.kill('SIGKILL')
}

describe.each(['fastify', 'express'])('R69: %s', (name) => {
  let backend: Backend
  let early: Awaited<ReturnType<Backend['get']>>
  beforeAll(async () => {
    backend = await start(name, join(folder, name), options)
    early = await backend.get('/sample')
    await backend.events(training)
  })
  afterAll(endAll)

  test('pictures before training has begun: 503, and when to come back', () => {
    expect(early).toMatchObject({ status: 503, retryAfter: '2', body: { code: 'NOT_READY' } })
  })

  test('progress over server-sent events', async () => {
    const [first] = await backend.events(training)
    const statuses = await backend.events(({ images = 0 }) => images > first!.images!)
    expect(statuses.length).toBeGreaterThan(1)
    expect(statuses.at(-1)).toMatchObject({ state: 'training', maxImages: ENDLESS, loss: expect.any(Number) })
    expect((await backend.get('/status')).body).toMatchObject({ state: 'training', run: expect.any(String) })
  })

  test('pictures while it trains', async () => {
    const answer = await backend.get('/sample?count=2&seed=5&steps=3')
    expect(answer).toMatchObject({ status: 200, type: 'image/png' })
    expect(await sharp(answer.bytes).metadata()).toMatchObject({ format: 'png', width: 38, height: 20 })
  })

  test.each([
    ['count=0', 400, 'QUERY_INVALID'],
    ['count=17', 400, 'QUERY_INVALID'],
    ['count=1000000000000000000000', 400, 'QUERY_INVALID'],
    ['count=many', 400, 'QUERY_INVALID'],
    ['count=', 400, 'QUERY_INVALID'],
    ['count=1.5', 400, 'QUERY_INVALID'],
    ['count=1&count=2', 400, 'QUERY_INVALID'],
    ['count[]=1', 400, 'QUERY_INVALID'],
    ['seed=-1', 400, 'QUERY_INVALID'],
    ['seed=NaN', 400, 'QUERY_INVALID'],
    ['steps=251', 400, 'QUERY_INVALID'],
    ['__proto__=1', 400, 'QUERY_INVALID'],
    ['weights=raw', 400, 'QUERY_INVALID'],
    // What only the model knows: it has 30 time steps.
    ['steps=31', 400, 'OPTION_INVALID'],
  ])('wrong query %s: %i %s', async (query, status, code) => {
    expect(await backend.get(`/sample?${query}`)).toMatchObject({ status, body: { code } })
  })

  test('wrong requests are answered with 4xx', async () => {
    expect((await backend.get('/nothing')).status).toBe(404)
    expect((await backend.get('/sample/../../etc/passwd')).status).toBe(404)
    expect((await backend.get('/%ZZ')).status).toBeGreaterThanOrEqual(400)
    expect((await fetch(`${backend.url}/sample`, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(404)
    expect((await backend.get(`/sample?${'x'.repeat(50_000)}`)).status).toBe(431)
    expect(await rawAnswer(backend.url, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
    expect((await backend.get('/status')).status).toBe(200)
  })

  test('clients that go away make room for others', async () => {
    const begun = performance.now()
    expect((await backend.get('/sample?steps=10')).status).toBe(200)
    const short = performance.now() - begun
    for (let i = 0; i < 4; i++) {
      const control = new AbortController()
      const answer = backend.get('/sample?count=16&steps=30', control.signal)
      setTimeout(() => control.abort(), 30)
      await expect(answer).rejects.toMatchObject({ name: 'AbortError' })
    }
    const gone = performance.now()
    await until(async () => (await backend.get('/sample?steps=1')).status === 200)
    // Each of the four has 48 times as many steps, and would go on for that long.
    expect(performance.now() - gone).toBeLessThan(20 * short)
  })

  test('more requests than it can draw for at once: 503 for those', async () => {
    const asked = Array.from({ length: 12 }, () => backend.get('/sample?count=2&steps=5'))
    const answers = await Promise.all(asked)
    const [served, refused] = [200, 503].map((status) => answers.filter((answer) => answer.status === status))
    expect(served!.length).toBeGreaterThanOrEqual(4)
    expect(refused!.length).toBe(12 - served!.length)
    for (const answer of refused!) expect(answer).toMatchObject({ retryAfter: '2', body: { code: 'BUSY' } })
  })

  test('SIGTERM saves, ends the streams, and exits with 0', async () => {
    const stream = backend.events()
    const { images, run } = (await backend.get('/status')).body as BackendStatus
    expect(await backend.end('SIGTERM')).toEqual({ code: 0, signal: null })
    const last = (await stream).at(-1)!
    expect(last).toMatchObject({ state: 'done', run })
    expect(last.images).toBeGreaterThanOrEqual(images!)
    expect(savedImages(run!)).toBe(last.images)
    expect((await load(run!)).images).toBe(last.images)
    expect(backend.errors()).toBe('')
  })
})

describe('R42: training in a child process', () => {
  afterEach(endAll)
  const begin = async () => {
    const backend = await start('fastify', temporaryFolder(), options, { ISOLATED: '1' })
    const status = (await backend.events(training)).at(-1)!
    return { backend, pid: status.pid!, run: status.run! }
  }
  const alive = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }

  test('is used like one in this process, and ends with it', async () => {
    const { backend, pid, run } = await begin()
    expect(await backend.get('/sample?steps=2')).toMatchObject({ status: 200, type: 'image/png' })
    expect(await backend.get('/sample?steps=31')).toMatchObject({ status: 400, body: { code: 'OPTION_INVALID' } })
    expect(await backend.end('SIGTERM')).toEqual({ code: 0, signal: null })
    expect(savedImages(run)).toBeGreaterThan(0)
    expect(alive(pid)).toBe(false)
  })

  test('killed by SIGSEGV: who waits and who comes later gets TRAINING_DIED, and the parent goes on answering', async () => {
    const { backend, pid } = await begin()
    const waiting = backend.get('/sample?count=16&steps=30')
    const stream = backend.events()
    setTimeout(() => process.kill(pid, 'SIGSEGV'), 50)
    expect(await waiting).toMatchObject({ status: 503, body: { code: 'TRAINING_DIED' } })
    expect(await backend.get('/sample')).toMatchObject({ status: 503, body: { code: 'TRAINING_DIED' } })
    expect((await stream).at(-1)).toMatchObject({ state: 'failed', code: 'TRAINING_DIED' })
    expect(await backend.get('/status')).toMatchObject({ status: 200, body: { state: 'failed' } })
    expect(await backend.end('SIGTERM')).toEqual({ code: 1, signal: null })
  })

  test('saves and ends when the parent is killed', async () => {
    const { backend, pid, run } = await begin()
    await backend.end('SIGKILL')
    await until(() => !alive(pid))
    expect(savedImages(run)).toBeGreaterThan(0)
    expect(readdirSync(run).filter((file) => file.startsWith('.lock'))).toEqual([])
  })
})

test('training that cannot begin: the backend says why, and answers', async () => {
  const backend = await start('express', temporaryFolder(), { ...options, data: join(data, 'nothing') })
  expect((await backend.events(({ state }) => state === 'failed')).at(-1)).toMatchObject({ code: 'DATA_NOT_FOUND' })
  expect(await backend.get('/sample')).toMatchObject({ status: 503, body: { code: 'TRAINING_FAILED' } })
  expect(await backend.end('SIGTERM')).toEqual({ code: 1, signal: null })
})
