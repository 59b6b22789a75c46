/** `shinsaku setup`: fetches libtorch into the user's cache. */
import { throwIfAny } from '../errors.ts'
import type { Io } from './io.ts'
import { Progress } from './progress.ts'

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0)

/** Prints the folder that holds libtorch. */
export async function setupCommand(
  { cpu, cuda }: { cpu?: boolean; cuda?: boolean },
  json: boolean,
  { stdout, stderr }: Io,
): Promise<void> {
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
