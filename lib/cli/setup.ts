/** `shinsaku setup`: brings libtorch, or with --metrics an extractor, into the user's cache. */
import { throwIfAny } from '../errors.ts'
import type { Io } from './io.ts'
import { Progress } from './progress.ts'

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

type Flags = { cpu?: boolean; cuda?: boolean; metrics?: boolean | string }

/** Prints the folder that holds libtorch, or the file that holds an extractor. */
export async function setupCommand({ cpu, cuda, metrics }: Flags, json: boolean, io: Io): Promise<void> {
  const { stdout, stderr } = io
  if (metrics !== undefined) {
    if (cpu || cuda) throwIfAny([{ path: 'metrics', message: 'goes with neither --cpu nor --cuda' }])
    return setupMetrics(typeof metrics === 'string' ? metrics : null, json, io)
  }
  if (cpu && cuda) throwIfAny([{ path: 'cuda', message: 'give --cpu or --cuda, not both' }])
  const { fetchLibtorch } = await import('../libtorch/fetch.ts')
  const progress = new Progress(stderr, { plainMs: 10_000 })
  try {
    const folder = await fetchLibtorch({
      flavour: cpu ? 'cpu' : cuda ? 'cuda' : 'auto',
      onLine: (line) => progress.log(line),
      onProgress: ({ name, bytes, totalBytes }) =>
        progress.update(`${name}: ${megabytes(bytes)} of ${megabytes(totalBytes)} MB`),
    })
    stdout.write(`${json ? JSON.stringify({ libtorch: folder }) : folder}\n`)
  } finally {
    progress.end()
  }
}

async function setupMetrics(source: string | null, json: boolean, { stdout, stderr }: Io): Promise<void> {
  const { setupExtractor } = await import('../evaluate/extractor/setup.ts')
  const progress = new Progress(stderr, { plainMs: 10_000 })
  try {
    const stored = await setupExtractor(source, {
      onLine: (line) => progress.log(line),
      onProgress: ({ name, bytes, totalBytes }) =>
        progress.update(`${name}: ${megabytes(bytes)}${totalBytes > 0 ? ` of ${megabytes(totalBytes)}` : ''} MB`),
    })
    stdout.write(`${json ? JSON.stringify(stored) : stored.path}\n`)
  } finally {
    progress.end()
  }
}
