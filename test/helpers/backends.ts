/** The example backends of docs/examples as processes of their own, and what a client does with them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { TrainCall } from '../../lib/index.ts'

export type BackendStatus = {
  state: 'preparing' | 'training' | 'stopping' | 'done' | 'failed'
  run?: string
  images?: number
  code?: string
  pid?: number
}

export type Backend = {
  process: ChildProcess
  url: string
  /** Everything it wrote to stderr. */
  errors(): string
  /** The answer to `GET path`: a picture's bytes, or what JSON says. */
  get(path: string, signal?: AbortSignal): Promise<Answer>
  /** Statuses as `GET /events` sends them, until `until` is true of one or the stream ends. */
  events(until?: (status: BackendStatus) => boolean): Promise<BackendStatus[]>
  /** Sends a signal, and waits for the end. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export type Answer = { status: number; type: string; retryAfter: string | null; bytes: Buffer; body: { code?: string } }

async function readEvents(url: string, until: (status: BackendStatus) => boolean): Promise<BackendStatus[]> {
  const control = new AbortController()
  const response = await fetch(`${url}/events`, { signal: control.signal })
  const statuses: BackendStatus[] = []
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const parts = text.split('\n\n')
    text = parts.pop()!
    for (const part of parts) {
      const data = part.match(/^event: status\ndata: (.*)$/)?.[1]
      if (data) statuses.push(JSON.parse(data))
    }
    if (statuses.some(until)) break
  }
  control.abort()
  return statuses
}

/** Starts an example; `folder` receives its options and its runs. */
export async function startBackend(
  name: string,
  folder: string,
  options: TrainCall,
  env: Record<string, string> = {},
): Promise<Backend> {
  const config = join(folder, 'options.json')
  mkdirSync(folder, { recursive: true })
  writeFileSync(config, JSON.stringify({ ...options, out: join(folder, 'runs') }))
  return startServer(name, [config], env)
}

/** Starts an example with what it takes on the command line. */
export async function startServer(name: string, args: string[], env: Record<string, string> = {}): Promise<Backend> {
  const program = fileURLToPath(new URL(`../../docs/examples/${name}.mjs`, import.meta.url))
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors += chunk
  })
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const [url] = await Promise.race([
    once(createInterface(child.stdout), 'line') as Promise<[string]>,
    exit.then(([code]) => Promise.reject(new Error(`${name} ended with ${code}: ${errors}`))),
  ])
  return {
    process: child,
    url,
    errors: () => errors,
    async get(path, signal) {
      const response = await fetch(url + path, signal ? { signal } : {})
      const bytes = Buffer.from(await response.arrayBuffer())
      const type = response.headers.get('content-type')?.split(';')[0] ?? ''
      const body = type === 'application/json' ? JSON.parse(bytes.toString()) : {}
      return { status: response.status, type, retryAfter: response.headers.get('retry-after'), bytes, body }
    },
    events: (until = () => false) => readEvents(url, until),
    async end(signal) {
      child.kill(signal)
      const [code, by] = await exit
      return { code, signal: by }
    },
  }
}

/** What a server answers to text that no HTTP client would send. */
export function rawAnswer(url: string, text: string): Promise<string> {
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
