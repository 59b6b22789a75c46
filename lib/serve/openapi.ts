/** The description of the server's API, from the tables that requests are checked against. */
import { z } from 'zod'
import { generationSpecs, type ResolvedServeOptions } from '../options/serve.ts'
import { version } from '../system/version.ts'

type Schema = Record<string, unknown>

const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] })

/** One field, with its help and default, and what this server allows. */
function fieldsSchema({ maxCount, maxSteps }: ResolvedServeOptions): Schema {
  const limits: Record<string, Schema> = {
    n: { maximum: maxCount },
    steps: { maximum: maxSteps },
    num_inference_steps: { maximum: maxSteps },
  }
  const properties = Object.entries(generationSpecs).map(([name, { schema, help, ...rest }]) => {
    const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input' }) as Schema
    const usual = 'default' in rest ? { default: rest.default } : {}
    return [name, { ...nullable({ ...json, ...limits[name] }), description: help, ...usual }]
  })
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false }
}

const error: Schema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: 'string', description: 'A stable code: see the errors of shinsaku.' },
      },
    },
  },
}

const generated: Schema = {
  type: 'object',
  required: ['created', 'data'],
  properties: {
    created: { type: 'integer', description: 'Seconds since 1970.' },
    model: { type: 'string' },
    images: { type: 'integer', description: 'Images that the model had seen.' },
    size: { type: 'string' },
    output_format: { type: 'string' },
    data: {
      type: 'array',
      items: {
        type: 'object',
        required: ['seed'],
        properties: {
          b64_json: { type: 'string' },
          url: { type: 'string' },
          seed: { type: 'integer' },
          to_seed: { type: 'integer' },
          mix: { type: 'number' },
        },
      },
    },
  },
}

const jsonOf = (schema: Schema) => ({ 'application/json': { schema } })

const refusals = (codes: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(codes).map(([status, description]) => [
      status,
      { description, content: jsonOf({ $ref: '#/components/schemas/Error' }) },
    ]),
  )

const get = (summary: string, type: string, open = false) => ({
  get: {
    summary,
    ...(open ? { security: [] } : {}),
    responses: { 200: { description: summary, content: { [type]: {} } } },
  },
})

/** OpenAPI 3.1. */
export function openApi(options: ResolvedServeOptions, needsToken: boolean): Schema {
  return {
    openapi: '3.1.0',
    info: { title: 'shinsaku', version, description: 'Pictures of models trained with shinsaku.' },
    ...(needsToken ? { security: [{ token: [] }] } : {}),
    paths: {
      '/v1/images/generations': {
        post: {
          summary: 'Make pictures.',
          requestBody: { required: true, content: jsonOf({ $ref: '#/components/schemas/Generation' }) },
          responses: {
            200: {
              description: 'The pictures; with stream, server-sent events.',
              content: { ...jsonOf({ $ref: '#/components/schemas/Generated' }), 'text/event-stream': {} },
            },
            ...refusals({
              400: 'A field is wrong; param says which.',
              401: 'The token is missing or wrong.',
              404: 'There is no such model.',
              408: 'The request did not arrive in time.',
              413: 'The request is too long.',
              415: 'The request is not JSON.',
              429: 'The client has too many pictures in the works; see Retry-After.',
              503: 'Too many pictures wait; see Retry-After.',
            }),
          },
        },
      },
      '/v1/models': get('The models, what they were trained on, and how much they copy.', 'application/json'),
      '/healthz': get('Whether the process answers.', 'application/json', true),
      '/readyz': get('Whether pictures can be asked for: 503 where not.', 'application/json', true),
      '/metrics': get('Numbers for Prometheus.', 'text/plain'),
    },
    components: {
      schemas: { Generation: fieldsSchema(options), Generated: generated, Error: error },
      ...(needsToken ? { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } } : {}),
    },
  }
}
