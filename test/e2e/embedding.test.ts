/** The backends of docs/embedding.md: they train, tell, draw, refuse what is wrong, and end without losing anything. */
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { load, type TrainCall, train } from '../../lib/index.ts'
import { type Backend, type BackendStatus, startBackend, startServer } from '../helpers/backends.ts'
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
    expect(await raw(backend.url, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
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

describe('serve.mjs: a trained model and nothing else', () => {
  let backend: Backend
  let run: string
  beforeAll(async () => {
    const model = await train({ ...options, maxImages: 8, out: join(folder, 'served') })
    run = model.run
    model.dispose()
    backend = await startServer('serve', [run], { STEPS: '5' })
    started.push(backend)
  })
  afterAll(endAll)

  test('requests that wait together get the pictures that each would get alone', async () => {
    const seeds = [7, 8, 7, 2 ** 32 - 1, 9, 10, 11, 12, 13, 14]
    const answers = await Promise.all(seeds.map((seed) => backend.get(`/picture?seed=${seed}`)))
    for (const answer of answers) expect(answer).toMatchObject({ status: 200, type: 'image/png' })
    const pixelsOf = ({ bytes }: Awaited<ReturnType<Backend['get']>>) => sharp(bytes).removeAlpha().raw().toBuffer()
    const pixels = await Promise.all(answers.map(pixelsOf))
    const model = await load(run)
    const alone = await model.sample({ seeds, steps: 5 })
    const furthest = (a: Uint8Array, b: Uint8Array) =>
      a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0)
    // Another batch may change the last bits.
    for (const [i, shown] of pixels.entries()) expect(furthest(alone.picture(i), shown)).toBeLessThanOrEqual(1)
    expect(furthest(pixels[0]!, pixels[1]!)).toBeGreaterThan(10)
    model.dispose()
  })

  test.each([
    ['/picture?seed=-1', 400, 'QUERY_INVALID'],
    ['/picture?seed=4294967296', 400, 'QUERY_INVALID'],
    ['/picture?seed=1&seed=2', 400, 'QUERY_INVALID'],
    ['/picture?seed=', 400, 'QUERY_INVALID'],
    ['/picture?steps=1', 400, 'QUERY_INVALID'],
    ['/nothing', 404, 'NOT_FOUND'],
    ['//', 404, 'NOT_FOUND'],
  ])('%s: %i %s', async (path, status, code) => {
    expect(await backend.get(path)).toMatchObject({ status, body: { code } })
  })

  test('more than may wait: 503; clients that go away make room', async () => {
    const control = new AbortController()
    const gone = Array.from({ length: 60 }, () => backend.get('/picture', control.signal).catch(({ name }) => name))
    const stay = Array.from({ length: 30 }, (_, seed) => backend.get(`/picture?seed=${seed}`))
    setTimeout(() => control.abort(), 20)
    expect(new Set(await Promise.all(gone))).toContain('AbortError')
    for (const { status } of await Promise.all(stay)) expect([200, 503]).toContain(status)
    expect((await backend.get('/picture?seed=1')).status).toBe(200)
  })

  test('SIGTERM: those that wait are answered, and it exits with 0', async () => {
    const waiting = [1, 2, 3].map((seed) => backend.get(`/picture?seed=${seed}`))
    await backend.get('/nothing')
    const end = backend.end('SIGTERM')
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(200)
    expect(await end).toEqual({ code: 0, signal: null })
    expect(backend.errors()).toBe('')
  })

  test('a run that is not there: it says so and does not start', async () => {
    await expect(startServer('serve', [join(run, 'nothing')])).rejects.toThrow(/CHECKPOINT_NOT_FOUND|RUN_NOT_FOUND/)
  })
})

describe('batches of serve.mjs', () => {
  const begin = async () => {
    const { batched } = await import(new URL('../../docs/examples/serve.mjs', import.meta.url).href)
    const calls: { seeds: number[]; signal: AbortSignal; finish(): void }[] = []
    const sample = ({ seeds, signal }: { seeds: number[]; signal: AbortSignal }) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        calls.push({ seeds, signal, finish: () => resolve({ encode: async (i: number) => seeds[i] }) })
      })
    return { queue: batched({ sample }), calls }
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  test('at most eight at once, the rest next; whoever left is not computed', async () => {
    const { queue, calls } = await begin()
    const left = new AbortController()
    const answers = Array.from({ length: 12 }, (_, seed) =>
      queue.picture(seed, seed === 10 ? left.signal : undefined).catch(({ name }: Error) => name),
    )
    await turn()
    left.abort()
    expect(calls.map(({ seeds }) => seeds)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]])
    calls[0]!.finish()
    await Promise.all(answers.slice(0, 8))
    await turn()
    expect(calls[1]!.seeds).toEqual([8, 9, 11])
    calls[1]!.finish()
    expect(await Promise.all(answers)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 'AbortError', 11])
  })

  test('a batch goes on while one waits for it, and is aborted when none does', async () => {
    const { queue, calls } = await begin()
    const [a, b] = [new AbortController(), new AbortController()]
    const answers = [a, b].map(({ signal }) => queue.picture(1, signal).catch(({ name }: Error) => name))
    await turn()
    a.abort()
    expect(calls[0]!.signal.aborted).toBe(false)
    b.abort()
    expect(calls[0]!.signal.aborted).toBe(true)
    expect(await Promise.all(answers)).toEqual(['AbortError', 'AbortError'])
    const next = queue.picture(2)
    await turn()
    calls[1]!.finish()
    expect(await next).toBe(2)
  })

  test('64 may wait; the next is refused, and so is everyone at the end', async () => {
    const { queue, calls } = await begin()
    const answers = Array.from({ length: 64 }, (_, seed) => queue.picture(seed))
    await expect(queue.picture(64)).rejects.toMatchObject({ status: 503, code: 'BUSY' })
    const ended = queue.end()
    await expect(queue.picture(65)).rejects.toMatchObject({ status: 503, code: 'STOPPING' })
    for (let i = 0; i < 8; i++) {
      await turn()
      calls[i]!.finish()
      await Promise.all(answers.slice(0, 8 * i + 8))
    }
    await ended
    expect(await Promise.all(answers)).toHaveLength(64)
  })
})

test('training that cannot begin: the backend says why, and answers', async () => {
  const backend = await start('express', temporaryFolder(), { ...options, data: join(data, 'nothing') })
  expect((await backend.events(({ state }) => state === 'failed')).at(-1)).toMatchObject({ code: 'DATA_NOT_FOUND' })
  expect(await backend.get('/sample')).toMatchObject({ status: 503, body: { code: 'TRAINING_FAILED' } })
  expect(await backend.end('SIGTERM')).toEqual({ code: 1, signal: null })
})

/** What a server answers to text that no HTTP client would send. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })
}
