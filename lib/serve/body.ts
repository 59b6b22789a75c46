/** The body of a request: JSON of a bounded length that comes in a bounded time. */
import { requestInvalid } from './answer.ts'

const tooLarge = (most: number) => requestInvalid(`A request may have ${most} bytes.`, null, 413)

/** Resolves to `undefined` after `seconds`. */
function after(seconds: number): { late: Promise<undefined>; cancel(): void } {
  let timer: NodeJS.Timeout
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, undefined)
  })
  return { late, cancel: () => clearTimeout(timer) }
}

/** Throws REQUEST_INVALID: 408 for a slow one, 413 for a long one. */
async function readBytes(request: Request, most: number, seconds: number): Promise<Buffer> {
  if (Number(request.headers.get('content-length') ?? 0) > most) throw tooLarge(most)
  const reader = request.body?.getReader()
  if (!reader) return Buffer.alloc(0)
  const parts: Uint8Array[] = []
  let length = 0
  const { late, cancel } = after(seconds)
  try {
    for (;;) {
      const read = await Promise.race([reader.read(), late])
      if (read === undefined)
        throw requestInvalid(`The request did not arrive within ${seconds} s.`, null, 408, { connection: 'close' })
      if (read.done) return Buffer.concat(parts)
      length += read.value.length
      if (length > most) throw tooLarge(most)
      parts.push(read.value)
    }
  } finally {
    cancel()
    // What is left of a body that is not wanted; it may have failed by itself.
    reader.cancel().catch(() => {})
  }
}

/** The value in a JSON body. Throws REQUEST_INVALID. */
export async function readBody(request: Request, most: number, seconds: number): Promise<unknown> {
  const type = request.headers.get('content-type') ?? ''
  // Pages of other sites may send other types without asking first.
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw requestInvalid('The request must be JSON, with content-type: application/json.', null, 415)
  const bytes = await readBytes(request, most, seconds)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw requestInvalid('The body is not JSON.')
  }
}
