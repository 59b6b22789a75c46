// The same as training.mjs in a process of its own: whatever kills that process, this one goes on serving.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Refusal, startTraining } from './training.mjs'

/** Starts training in a child process. The object it returns is used like that of startTraining(). */
export function startInChild(options) {
  const child = fork(fileURLToPath(import.meta.url), { serialization: 'advanced' }) // which passes bytes as bytes
  const listeners = new Set()
  const calls = new Map()
  let now = { state: 'preparing' }
  let next = 0

  function report(status) {
    now = { ...status, pid: child.pid }
    for (const listener of listeners) listener(now)
  }

  function call(name, argument, signal) {
    if (now.code === 'TRAINING_DIED') throw new Refusal(503, now.code, now.message)
    const id = next++
    return new Promise((resolve, reject) => {
      calls.set(id, { resolve, reject })
      signal?.addEventListener('abort', () => child.connected && child.send({ abort: id }), { once: true })
      child.send({ id, name, argument })
    })
  }

  child.on('message', ({ status, id, result, error }) => {
    if (status) return report(status)
    const { resolve, reject } = calls.get(id)
    calls.delete(id)
    if (error) reject(Object.assign(new Error(error.message), error))
    else resolve(result)
  })

  // A crash in native code, a kill for lack of memory: there is an exit, and no message before it.
  child.on('exit', (code, signal) => {
    if (now.state === 'done' || now.state === 'failed') return
    const message = `The training process ended with ${signal ?? `code ${code}`}. Its newest checkpoint is whole.`
    report({ ...now, state: 'failed', code: 'TRAINING_DIED', message })
    for (const { reject } of calls.values()) reject(new Refusal(503, now.code, message))
    calls.clear()
  })

  child.send({ options })
  return {
    status: () => now,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    sample: async (request, signal) => call('sample', request, signal),
    async stop() {
      const well = await Promise.resolve(call('stop')).catch(() => false)
      if (child.exitCode === null && child.signalCode === null) {
        child.disconnect()
        await once(child, 'exit')
      }
      return well
    },
  }
}

/** The child's side: does what the parent asks, and ends with it. */
async function serveParent() {
  // Ctrl-C and service managers signal the whole group; the parent decides when to stop.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => {})
  const [{ options }] = await once(process, 'message')
  const training = startTraining(options)
  const running = new Map()
  const send = (message) => process.connected && process.send(message)
  training.subscribe((status) => send({ status }))
  process.on('message', async ({ id, abort, name, argument }) => {
    if (abort !== undefined) return running.get(abort)?.abort()
    const control = new AbortController()
    running.set(id, control)
    try {
      send({ id, result: await training[name](argument, control.signal) })
    } catch ({ message, code, status }) {
      send({ id, error: { message, code, status } })
    }
    running.delete(id)
  })
  process.on('disconnect', async () => {
    await training.stop()
    process.exit()
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serveParent()
