/** A handler over models whose native part is played, and requests to it as a client makes them. */
import { createHandler, type Handler, type HandlerModels, type HandlerOptions } from '../../lib/index.ts'
import { fakeModel } from './fake-model.ts'

const ADDRESS = 'http://localhost'

export type Asked = {
  body?: unknown
  method?: string
  headers?: Record<string, string>
  signal?: AbortSignal
  from?: string
}

/** POST of a body as JSON, GET without one. */
export function ask(
  handler: Handler,
  path: string,
  { body, method, headers, signal, from }: Asked = {},
): Promise<Response> {
  const init = {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    ...(signal && { signal }),
  }
  return handler(new Request(ADDRESS + path, init), from === undefined ? undefined : { client: from })
}

export const generate = (handler: Handler, body: unknown, rest: Omit<Asked, 'body'> = {}): Promise<Response> =>
  ask(handler, '/v1/images/generations', { body, ...rest })

// biome-ignore lint/suspicious/noExplicitAny: answers are what the tests are about
export const jsonOf = async (response: Response | Promise<Response>): Promise<any> => (await response).json()

/** Events of a stream, in order. */
// biome-ignore lint/suspicious/noExplicitAny: answers are what the tests are about
export async function eventsOf(response: Response): Promise<any[]> {
  const text = await response.text()
  return text
    .split('\n\n')
    .flatMap((event) => event.split('\n').filter((line) => line.startsWith('data: ')))
    .map((line) => JSON.parse(line.slice('data: '.length)))
}

/** A value of /metrics; 0 where it is not there. */
export async function metricOf(handler: Handler, name: string): Promise<number> {
  const text = await (await ask(handler, '/metrics')).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** `step` is called before each step of each picture. */
export function fakeServer(
  options: HandlerOptions = {},
  step: (call: number, step: number) => unknown = () => {},
  models?: HandlerModels,
) {
  const { model, native } = fakeModel({}, step, { digest: 'ab'.repeat(32) })
  return { handler: createHandler(models ?? { faces: model }, options), native, model }
}
