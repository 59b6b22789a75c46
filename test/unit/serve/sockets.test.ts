/** The server on real sockets, over a played model: a flood, clients that leave or never finish, an end under load. */
import { request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { listen } from '../../../lib/serve/listen.ts'
import { fakeServer, metricOf } from '../../helpers/serve.ts'
import { tally, times } from '../../helpers/tally.ts'
import { until } from '../../helpers/until.ts'

type Answer = { status: number; retryAfter: number; pictures: number }

/** Asks on a connection of its own, which breaks off after `leaveMs`. Resolves to null where nothing whole came. */
const askFor = (url: string, body: object, leaveMs?: number): Promise<Answer | null> =>
  new Promise((resolve) => {
    const asked = request(`${url}/v1/images/generations`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json' },
    })
    asked.on('error', () => resolve(null))
    asked.on('response', async (response) => {
      const answer = await text(response).then(JSON.parse, () => null)
      const { statusCode: status = 0, headers } = response
      const pictures = answer?.data?.length ?? 0
      resolve(answer && { status, retryAfter: Number(headers['retry-after'] ?? 0), pictures })
    })
    asked.end(JSON.stringify(body))
    if (leaveMs !== undefined) setTimeout(() => asked.destroy(), leaveMs)
  })

const isWhole = (answer: Answer | null) => answer?.status === 200 && answer.pictures === 1
const isRefused = (answer: Answer | null) => answer?.status === 503 && answer.retryAfter >= 1

const local = { host: '127.0.0.1', port: 0 }

/** What became of the pictures that were taken on. */
async function countsOf(handler: ReturnType<typeof fakeServer>['handler']) {
  await until(
    async () =>
      (await metricOf(handler, 'shinsaku_waiting')) === 0 && (await metricOf(handler, 'shinsaku_active')) === 0,
  )
  return {
    admitted: await metricOf(handler, 'shinsaku_admitted_total'),
    ended: await metricOf(handler, 'shinsaku_pictures_total'),
    done: await metricOf(handler, 'shinsaku_pictures_total{outcome="done"}'),
  }
}

test('R60, R61 a flood on a queue of 64, half of its clients leave: all others are answered or told when to come again', async () => {
  const clients = times(120, 2000)
  const { handler, native } = fakeServer({ maxQueue: 64, maxPerClient: 100_000, batch: 8 })
  await handler.ready()
  const server = await listen(handler, local)
  const answers = await Promise.all(
    Array.from({ length: clients }, (_, i) =>
      askFor(server.url, { seed: i }, i % 2 === 0 ? undefined : (i * 7919) % 40),
    ),
  )
  const staying = answers.filter((_, i) => i % 2 === 0)
  const whole = staying.filter(isWhole).length
  const others = staying.filter((answer) => !isWhole(answer) && !isRefused(answer))
  expect(others.map((answer) => answer?.status ?? 'broken off')).toEqual([])
  expect(whole).toBeGreaterThan(0)
  const { admitted, ended } = await countsOf(handler)
  expect(ended).toBe(admitted)
  expect(native.samplers).toBe(0)
  await server.close(1)
  tally('Requests at once, half of whose clients leave: the others are answered', staying.length, staying.length)
})

test('R63 an end under load: every picture that was taken on is answered, and later requests are refused', async () => {
  const rounds = times(2, 50)
  let ended = 0
  for (let round = 0; round < rounds; round++) {
    const { handler, native } = fakeServer({ maxPerClient: 1000 })
    await handler.ready()
    const server = await listen(handler, local)
    const asked = Array.from({ length: 30 }, (_, i) => askFor(server.url, { seed: i }))
    await until(async () => (await metricOf(handler, 'shinsaku_admitted_total')) > round % 20)
    expect(await server.close(100)).toBe(true)
    const answers = await Promise.all(asked)
    const { admitted, done } = await countsOf(handler)
    expect(done).toBe(admitted)
    expect(answers.filter(isWhole)).toHaveLength(done)
    // The others came when nobody listened any more.
    expect(answers.filter((answer) => answer !== null && !isWhole(answer) && !isRefused(answer))).toEqual([])
    expect(native.samplers).toBe(0)
    ended += 1
  }
  tally('Ends under load: every picture that was taken on is answered', rounds, ended)
})

/** Sends `begun`, and then nothing; resolves to what the server says until it closes. */
const stall = async (url: string, begun: string): Promise<string> => {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(begun)
  return text(socket).catch(() => '')
}

const headers = 'POST /v1/images/generations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'

const stalls: [string, string, number][] = [
  ['bodies', `${headers}Content-Length: 100\r\n\r\n{`, times(20, 500)],
  // The time for headers is the server's own ten seconds, so this is tried in the long form only.
  ['headers', headers, times(0, 500)],
]

test.each(stalls.filter(([, , clients]) => clients > 0))(
  'R64 clients that never finish their %s are told so and closed, and hold up nobody',
  async (what, begun, clients) => {
    const { handler } = fakeServer({ bodyTime: 0.1 })
    await handler.ready()
    const server = await listen(handler, local)
    const stalled = Array.from({ length: clients }, () => stall(server.url, begun))
    expect(isWhole(await askFor(server.url, { seed: 1 }))).toBe(true)
    const told = (await Promise.all(stalled)).filter((said) => said.startsWith('HTTP/1.1 408 '))
    expect(told).toHaveLength(clients)
    await server.close(1)
    tally(`Clients that never finish their ${what}: closed, and others answered`, clients, told.length)
  },
)
