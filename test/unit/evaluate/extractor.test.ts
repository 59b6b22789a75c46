import { createHash } from 'node:crypto'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { knownExtractors } from '../../../lib/evaluate/extractor/known.ts'
import { setupExtractor } from '../../../lib/evaluate/extractor/setup.ts'
import { readExtractor, storedExtractors } from '../../../lib/evaluate/extractor/store.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { pickled, tensor, torchZip } from '../../helpers/torch-files.ts'

/** Small files take the place of the known ones. */
vi.mock('../../../lib/evaluate/extractor/known.ts', async (original) => {
  const { knownExtractors: known } = await original<typeof import('../../../lib/evaluate/extractor/known.ts')>()
  return { knownExtractors: structuredClone(known) }
})

/** A state dict of a weight and a counter, in a file of torch.save. */
const torchFile = (): Buffer => {
  const counter = tensor({ key: '1', type: 'LongStorage', elements: 1, shape: [], strides: [] })
  const state = pickled({ 'conv.weight': tensor(), 'bn.num_batches_tracked': counter })
  const floats = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer)
  return torchZip(state, { 0: floats, 1: new Uint8Array(8) })
}

let folder: string
/** A file of torch.save with two weights and a counter, known as inception's. */
let file: string

beforeEach(() => {
  folder = temporaryFolder()
  vi.stubEnv('SHINSAKU_CACHE', join(folder, 'cache'))
  vi.stubEnv('SHINSAKU_OFFLINE', undefined)
  const bytes = torchFile()
  file = join(folder, 'weights.pth')
  writeFileSync(file, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  knownExtractors.inception.file = { name: 'weights.pth', bytes: bytes.length, sha256 }
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable('it did not fail'),
    (error) => error,
  )

/** A server that answers each request with these bytes. */
async function serve(bytes: Uint8Array, status = 200): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(bytes))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.pth`
}

const left = () => (existsSync(join(folder, 'cache')) ? readdirSync(join(folder, 'cache', 'metrics')).sort() : [])

describe('an extractor', () => {
  test('is stored from a file, known by its hash, without counters, and read back', async () => {
    expect(await storedExtractors()).toEqual([])
    const { extractor, path } = await setupExtractor(file)
    expect(extractor).toBe('inception')
    expect(existsSync(path)).toBe(true)
    expect(await storedExtractors()).toEqual(['inception'])
    const tensors = await readExtractor('inception')
    expect(tensors.map(({ name, shape }) => [name, shape])).toEqual([['conv.weight', [2, 3]]])
    expect([...new Float32Array(tensors[0]!.bytes.slice().buffer)]).toEqual([0, 1, 2, 3, 4, 5])
    expect(left()).toEqual(['inception.json', 'inception.safetensors'])
  })

  test('is stored from an address; what comes from another is refused, and nothing is left', async () => {
    const url = await serve(torchFile())
    expect(await setupExtractor(url)).toMatchObject({ extractor: 'inception' })
    const other = await serve(Buffer.from('something else'))
    expect(await failure(setupExtractor(other))).toMatchObject({ code: 'EXTRACTOR_INVALID' })
    const missing = await serve(Buffer.from(''), 404)
    expect(await failure(setupExtractor(missing))).toMatchObject({
      code: 'EXTRACTOR_FETCH_FAILED',
      message: expect.stringContaining('404'),
    })
    expect(left()).toEqual(['inception.json', 'inception.safetensors'])
  })

  test('an aborted fetch leaves nothing', async () => {
    const url = await serve(torchFile())
    expect(await failure(setupExtractor(url, { signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORT_ERR' })
    expect(left()).toEqual([])
  })

  test('a file that is another, or none, is refused with what was expected', async () => {
    const other = join(folder, 'other.pth')
    writeFileSync(other, 'other')
    const error = await failure(setupExtractor(other))
    expect(error).toMatchObject({ code: 'EXTRACTOR_INVALID' })
    expect(error.message).toContain(knownExtractors.inception.file.sha256)
    expect(await failure(setupExtractor(join(folder, 'none')))).toMatchObject({ code: 'FILE_FAILED' })
    expect(await storedExtractors()).toEqual([])
  })

  test('offline nothing is fetched, and a file still is stored', async () => {
    vi.stubEnv('SHINSAKU_OFFLINE', '1')
    expect(await failure(setupExtractor(null))).toMatchObject({ code: 'EXTRACTOR_FETCH_FAILED' })
    expect(await failure(setupExtractor('http://127.0.0.1:1/x'))).toMatchObject({ code: 'EXTRACTOR_FETCH_FAILED' })
    expect(await setupExtractor(file)).toMatchObject({ extractor: 'inception' })
  })

  test('one that is missing says how to get it; a damaged one is refused', async () => {
    expect(await failure(readExtractor('inception'))).toMatchObject({
      code: 'EXTRACTOR_MISSING',
      hint: expect.stringContaining('--metrics FILE'),
    })
    expect(await failure(readExtractor('efficientnet-lite0'))).toMatchObject({ code: 'EXTRACTOR_MISSING' })
    const { path } = await setupExtractor(file)
    writeFileSync(path, 'damaged')
    expect(await failure(readExtractor('inception'))).toMatchObject({ code: 'EXTRACTOR_INVALID' })
  })
})
