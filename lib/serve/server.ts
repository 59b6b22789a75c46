/** What a handler does with a request: who may ask, which address it is, and what is answered. */
import { createHash } from 'node:crypto'
import { ShinsakuError } from '../errors.ts'
import { bearerOf, isToken } from '../http/token.ts'
import { makeMarker } from '../images/mark.ts'
import { resolveOnly } from '../options/resolve.ts'
import { type ResolvedServeOptions, serveSpecs } from '../options/serve.ts'
import { version } from '../system/version.ts'
import { errorResponse, isOurs, json, text, tryLater } from './answer.ts'
import { readBody } from './body.ts'
import { clientOf as addressOf } from './clients.ts'
import { Engine } from './engine.ts'
import { type Deps, generate } from './generate.ts'
import { readGeneration } from './generation.ts'
import type { HandlerOptions } from './handler-options.ts'
import { Counter, family, value } from './metrics.ts'
import { type ModelSource, Models, type Served, tryLane } from './models.ts'
import { openApi } from './openapi.ts'
import { demoPage } from './page/page.ts'

/** Seconds between two tries of what has failed. */
const RETRY_SECONDS = 5

type Route = { name: string; method: 'GET' | 'POST'; open: boolean; end: RegExp }

/** By how their path ends: a framework may have mounted them anywhere. `open`: needs no token. */
const routes: readonly Route[] = [
  { name: 'generations', method: 'POST', open: false, end: /\/v1\/images\/generations$/ },
  { name: 'models', method: 'GET', open: false, end: /\/v1\/models$/ },
  { name: 'openapi', method: 'GET', open: false, end: /\/openapi\.json$/ },
  { name: 'metrics', method: 'GET', open: false, end: /\/metrics$/ },
  { name: 'healthz', method: 'GET', open: true, end: /\/healthz$/ },
  { name: 'readyz', method: 'GET', open: true, end: /\/readyz$/ },
  { name: 'page', method: 'GET', open: true, end: /\/$/ },
]

const warn = (error: unknown) => process.emitWarning(error as Error)

export class Server {
  readonly #options: ResolvedServeOptions
  readonly #token: string | undefined
  readonly #clientOf: NonNullable<HandlerOptions['clientOf']>
  readonly #onError: (error: unknown) => void
  readonly #engine: Engine
  readonly #models: Models
  readonly #requests = new Counter()
  #opening: Promise<void> | undefined
  #tried = Number.NEGATIVE_INFINITY
  #ready = false
  #closed = false
  #deps: Deps | undefined
  /** Answers, and streams of them, that are not complete. */
  readonly #answering = new Set<Promise<unknown>>()

  /** Throws OPTION_INVALID. */
  constructor(named: ReadonlyMap<string, ModelSource>, { token, clientOf, onError, ...given }: HandlerOptions) {
    this.#options = resolveOnly(serveSpecs, given)
    this.#token = token
    this.#clientOf = clientOf ?? addressOf
    this.#onError = onError ?? warn
    this.#engine = new Engine(this.#options)
    this.#models = new Models(named, this.#options)
  }

  ready(): Promise<void> {
    this.#opening ??= this.#open()
    return this.#opening
  }

  async reload(): Promise<string[]> {
    await this.ready()
    return this.#models.reload()
  }

  async close(seconds: number): Promise<boolean> {
    this.#closed = true
    const finished = await this.#engine.stop(seconds)
    // Pictures that are finished become files and answers.
    while (this.#answering.size > 0) await Promise.allSettled(this.#answering)
    await this.#opening?.catch(() => {})
    this.#models.close()
    return finished
  }

  /** Never rejects: what goes wrong is an answer. */
  async answer(request: Request, context: unknown): Promise<Response> {
    const { pathname } = new URL(request.url)
    const route = routes.find(({ end }) => end.test(pathname))
    const answer = this.#route(route, request, context)
    this.#follow(answer)
    const response = await answer.catch((error) => {
      if (isOurs(error)) this.#onError(error)
      return errorResponse(error)
    })
    this.#requests.add({ route: route?.name ?? 'none', status: String(response.status) })
    this.#models.sweep()
    return response
  }

  #follow(answering: Promise<unknown>): void {
    this.#answering.add(answering)
    answering.catch(() => {}).finally(() => this.#answering.delete(answering))
  }

  async #route(route: Route | undefined, request: Request, context: unknown): Promise<Response> {
    if (!route) throw new ShinsakuError('ROUTE_UNKNOWN', 'There is no such address here.')
    const { name, method, open } = route
    if (request.method !== method && !(method === 'GET' && request.method === 'HEAD'))
      throw new ShinsakuError('ROUTE_UNKNOWN', `This address takes ${method}.`, {
        details: { status: 405, headers: { allow: method } },
      })
    if (!open) this.#requireToken(request)
    if (name === 'healthz') return json({ ok: true })
    if (name === 'readyz') return this.#readiness()
    if (name === 'metrics') return text(this.#metrics(), 'text/plain; version=0.0.4')
    if (name === 'openapi') return json(openApi(this.#options, this.#token !== undefined))
    if (name === 'page') return this.#page()
    await this.#requireReady()
    return name === 'models' ? json(this.#list()) : this.#generate(request, context)
  }

  #requireToken(request: Request): void {
    const token = this.#token
    if (token === undefined || isToken(bearerOf(request.headers.get('authorization') ?? undefined), token)) return
    throw new ShinsakuError('TOKEN_INVALID', 'The request needs the token of this server.', {
      details: { headers: { 'www-authenticate': 'Bearer' } },
    })
  }

  /** Opening that has failed is tried again, such as that of a run without a checkpoint yet. */
  async #open(): Promise<void> {
    try {
      this.#tried = performance.now()
      const { mark, markAt } = this.#options
      const marker = mark === null ? null : await makeMarker(mark, markAt)
      await this.#models.open()
      this.#deps = { engine: this.#engine, marker, onError: this.#onError, follow: (work) => this.#follow(work) }
      this.#ready = true
    } catch (error) {
      this.#models.close()
      this.#opening = undefined
      throw error
    }
  }

  #begin(): void {
    const waited = performance.now() - this.#tried > RETRY_SECONDS * 1000
    if (!this.#ready && !this.#closed && !this.#opening && waited) this.ready().catch(this.#onError)
  }

  async #requireReady(): Promise<void> {
    this.#begin()
    // The first request brings the models in, and waits for them.
    await this.#opening?.catch(() => {})
    if (this.#closed) throw tryLater('SERVER_BUSY', 'The server is about to end.', RETRY_SECONDS)
    if (!this.#ready) throw tryLater('SERVER_BUSY', 'The models are not there yet.', RETRY_SECONDS)
  }

  /** A load balancer asks often: what has failed is tried again then. */
  #readiness(): Response {
    this.#begin()
    const ill = this.#models.all.filter(({ lane }) => !lane.healthy)
    const waited = performance.now() - this.#tried > RETRY_SECONDS * 1000
    if (ill.length > 0 && waited && !this.#closed) {
      this.#tried = performance.now()
      for (const { lane } of ill) tryLane(lane).catch(this.#onError)
    }
    const why =
      (this.#closed && 'ending') ||
      (!this.#ready && 'opening') ||
      (ill.length > 0 && 'failed') ||
      (!this.#engine.hasRoom && 'full') ||
      null
    return json({ ready: why === null, why }, why === null ? 200 : 503)
  }

  #list(): unknown {
    const { mark, unmarked, maxCount, maxSteps, split } = this.#options
    return {
      object: 'list',
      data: this.#models.all.map(({ name, about, since, lane }) => ({
        id: name,
        object: 'model',
        created: since,
        owned_by: 'shinsaku',
        ...about,
        guidance: lane.together.guided,
        steps: lane.together.stepped ? lane.together.stepsOf(lane.together.resolve({ seed: 0 })) : null,
      })),
      limits: { count: maxCount, steps: maxSteps },
      mark: { shown: mark !== null, optional: unmarked },
      split,
    }
  }

  /** Throws MODEL_UNKNOWN. */
  #served(name: string | undefined, client: string): Served {
    if (name === undefined) return this.#models.usual(client)
    const served = this.#models.get(name)
    if (served) return served
    if (this.#options.anyModel) return this.#models.usual(client)
    throw new ShinsakuError('MODEL_UNKNOWN', `There is no model "${name}" here; GET /v1/models lists them.`, {
      details: { param: 'model' },
    })
  }

  async #generate(request: Request, context: unknown): Promise<Response> {
    const { maxBody, bodyTime } = this.#options
    const wanted = readGeneration(await readBody(request, maxBody, bodyTime), this.#options)
    // Who it is stays unknown to whoever sees the memory.
    const client = createHash('sha256').update(this.#clientOf(request, context)).digest('base64')
    return generate(wanted, this.#served(wanted.model, client), client, request.signal, this.#deps!)
  }

  #page(): Response {
    if (!this.#options.page) throw new ShinsakuError('ROUTE_UNKNOWN', 'There is no page here.')
    const { html, policy } = demoPage()
    return text(html, 'text/html', {
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    })
  }

  #metrics(): string {
    const engine = this.#engine
    const { admitted, ...ended } = engine.counts
    const of = (name: string) => `shinsaku_${name}`
    const pictures = Object.entries(ended).flatMap(([outcome, count]) =>
      value(of('pictures_total'), count, { outcome }),
    )
    return [
      family(of('build_info'), 'gauge', 'Version.', value(of('build_info'), 1, { version })),
      family(
        of('requests_total'),
        'counter',
        'Requests by route and status.',
        this.#requests.lines(of('requests_total')),
      ),
      family(of('admitted_total'), 'counter', 'Pictures that were taken on.', value(of('admitted_total'), admitted)),
      family(of('pictures_total'), 'counter', 'Pictures by what became of them.', pictures),
      family(of('waiting'), 'gauge', 'Pictures that wait.', value(of('waiting'), engine.waiting)),
      family(of('active'), 'gauge', 'Pictures that are being computed.', value(of('active'), engine.active)),
      family(
        of('backlog_seconds'),
        'gauge',
        'Time until these are finished.',
        value(of('backlog_seconds'), engine.backlog),
      ),
      family(of('step_seconds'), 'histogram', 'Time of one step.', engine.stepSeconds.lines(of('step_seconds'))),
      family(of('batch_size'), 'histogram', 'Pictures of one step.', engine.batchSizes.lines(of('batch_size'))),
      family(
        of('memory_bytes'),
        'gauge',
        'Memory of the process.',
        value(of('memory_bytes'), process.memoryUsage.rss()),
      ),
    ].join('')
  }
}
