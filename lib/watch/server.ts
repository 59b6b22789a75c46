/** The page's server: the page, what it shows of runs, and the few writes to the queue. It changes nothing else. */
import { type FastifyInstance, makeServer } from '../http/listen.ts'
import { listQueue, moveQueued, stopQueued } from '../queue/queue.ts'
import { sampleName } from '../run/samples.ts'
import { type Access, guardServer, refuse } from './access.ts'
import { readDetails } from './details.ts'
import { EventStreams } from './events.ts'
import { Feed } from './feed.ts'
import { tokenPage, watchPage } from './page.ts'
import type { WatchedRuns } from './runs.ts'

export type WatchDeps = { runs: WatchedRuns; access: Access; queue: Queue }

export type Queue = {
  list: typeof listQueue
  move(id: string, position: number): Promise<void>
  stop(id: string): Promise<void>
}

export const userQueue: Queue = {
  list: () => listQueue(),
  move: (id, position) => moveQueued(id, position),
  stop: (id) => stopQueued(id),
}

const missing = 'There is no such run, or it has no such file.'

/** A report may be somebody else's: nothing in it may run. */
const reportPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"

function addFiles(server: FastifyInstance, { runs }: WatchDeps): void {
  type OfRun = { Params: { name: string } }
  type Grid = { Params: { name: string; images: string } }
  server.get<OfRun>('/runs/:name/reals.png', async ({ params }, reply) => {
    const png = await runs.read(params.name, 'reals.png')
    return png ? reply.type('image/png').send(png) : refuse(reply, 404, 'NOT_FOUND', missing)
  })
  for (const folder of ['samples', 'nearest'])
    server.get<Grid>(`/runs/:name/${folder}/:images`, async ({ params: { name, images } }, reply) => {
      const file = /^\d{1,15}\.png$/.test(images) ? sampleName(parseInt(images, 10)) : ''
      const png = await runs.read(name, folder, file)
      if (!png) return refuse(reply, 404, 'NOT_FOUND', missing)
      return reply.type('image/png').header('cache-control', 'private, max-age=30').send(png)
    })
  server.get<Grid>('/runs/:name/evaluation/:images', async ({ params: { name, images } }, reply) => {
    const report = /^\d{9,16}$/.test(images) ? await runs.read(name, 'evaluation', images, 'report.html') : undefined
    if (!report) return refuse(reply, 404, 'NOT_FOUND', missing)
    return reply.type('text/html; charset=utf-8').header('content-security-policy', reportPolicy).send(report)
  })
}

function addQueue(server: FastifyInstance, { queue }: WatchDeps, feed: Feed): void {
  type Write = { Params: { id: string }; Body: { position?: unknown } | null }
  const answer = (work: (id: string, body: Write['Body']) => Promise<void>) =>
    async function handle({ params: { id }, body }: { params: Write['Params']; body: Write['Body'] }) {
      await work(id, body)
      await feed.look()
      return { queue: await queue.list() }
    }
  server.get('/api/queue', () => queue.list())
  server.post<Write>(
    '/api/queue/:id/stop',
    answer((id) => queue.stop(id)),
  )
  server.post<Write>(
    '/api/queue/:id/move',
    answer((id, body) => queue.move(id, Number(body?.position))),
  )
}

function addEvents(server: FastifyInstance, streams: EventStreams): void {
  type Asked = { Querystring: { run?: string | string[]; with?: string | string[] } }
  server.get<Asked>('/api/events', (request, reply) => {
    const { run = [], with: other = [] } = request.query
    const names = new Set([run, other].flat().slice(0, 4))
    if (streams.isFull) return refuse(reply, 503, 'TOO_MANY_PAGES', 'Too many pages are open. Close some.')
    const headers = Object.fromEntries(Object.entries(reply.getHeaders()).map(([name, value]) => [name, String(value)]))
    reply.hijack()
    streams.add(reply.raw, headers, names)
  })
}

/** A server that does not listen yet; closing it ends what pages still receive. */
export async function makeWatchServer(deps: WatchDeps): Promise<FastifyInstance> {
  const { runs, access, queue } = deps
  const server = makeServer()
  const feed = new Feed(runs, queue.list)
  const streams = new EventStreams(feed)
  server.addHook('preClose', async () => streams.close())
  const [page, locked] = [await watchPage(access.writeToken), tokenPage()]
  guardServer(server, access, (reply) =>
    reply.code(401).type('text/html; charset=utf-8').header('content-security-policy', locked.policy).send(locked.html),
  )
  server.get('/', (_, reply) =>
    reply.type('text/html; charset=utf-8').header('content-security-policy', page.policy).send(page.html),
  )
  server.get('/favicon.ico', (_, reply) => reply.code(204).send())
  server.get('/api/runs', () => runs.list())
  server.get<{ Params: { name: string } }>('/api/runs/:name', async ({ params }, reply) => {
    const run = await runs.find(params.name)
    return run === undefined ? refuse(reply, 404, 'NOT_FOUND', missing) : readDetails(run)
  })
  addFiles(server, deps)
  addQueue(server, deps, feed)
  addEvents(server, streams)
  return server
}
