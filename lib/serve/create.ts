/** `createHandler()`, which brings in what serving needs when the first request comes and no sooner. */
import { throwIfAny } from '../errors.ts'
import { absolutePath } from '../options/paths.ts'
import { Model } from '../sampling/model.ts'
import type { HandlerOptions } from './handler-options.ts'
import type { Server } from './server.ts'

/** One model, as the path of its run folder or open, or several by name. */
export type HandlerModels = string | Model | Readonly<Record<string, string | Model>>

/** Answers Web requests. Mount it where your framework takes such a function. */
export type Handler = {
  (request: Request, context?: unknown): Promise<Response>
  /** Resolves once every model is open and has made a picture; the first request begins this, too. Rejects as `load()` does. */
  ready(): Promise<void>
  /** Goes over to newer checkpoints of the runs; what was asked for before is finished. Resolves to the names of those models. */
  reload(): Promise<string[]>
  /** Takes no more pictures, waits for those in the works for at most `seconds`, and frees the models. */
  close(seconds?: number): Promise<boolean>
}

const DRAIN_SECONDS = 20

function namedModels(models: HandlerModels): Map<string, string | Model> {
  const isOne = typeof models === 'string' || models instanceof Model
  const entries = isOne ? [['', models] as const] : Object.entries(models ?? {})
  if (entries.length === 0) throwIfAny([{ path: 'models', message: 'expected a model, or several by name' }])
  return new Map(
    entries.map(([given, model]) => {
      const isPath = typeof model === 'string' && model !== ''
      if (!isPath && !(model instanceof Model))
        throwIfAny([{ path: 'models', message: 'expected the path of a run folder, or a model that is open' }])
      const run = isPath ? (model as string) : (model as Model).run
      const name = given === '' ? run.replace(/[/\\]+$/, '').replace(/^.*[/\\]/, '') : given
      return [name, isPath ? absolutePath(model as string) : (model as Model)]
    }),
  )
}

/**
 * A Web-standard handler, `(request) => Promise<Response>`, that serves models: the API of docs/serving.md, metrics, and
 * the demo page. Models are opened by `ready()` or by the first request. Throws OPTION_INVALID for what is no model;
 * wrong options reject `ready()` and every request.
 */
export function createHandler(models: HandlerModels, options: HandlerOptions = {}): Handler {
  const named = namedModels(models)
  let making: Promise<Server> | undefined
  const server = () => {
    making ??= import('./server.ts').then(({ Server }) => new Server(named, options))
    return making
  }
  return Object.assign(async (request: Request, context?: unknown) => (await server()).answer(request, context), {
    ready: async () => (await server()).ready(),
    reload: async () => (await server()).reload(),
    close: async (seconds = DRAIN_SECONDS) => (await server()).close(seconds),
  })
}
