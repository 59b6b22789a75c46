/** `shinsaku setup`: fetches libtorch into the user's cache. */
import { throwIfAny } from '../errors.ts'
import type { Io } from './io.ts'

/** Prints the folder that holds libtorch. */
export async function setupCommand(
  { cpu, cuda }: { cpu?: boolean; cuda?: boolean },
  json: boolean,
  { stdout, stderr }: Io,
): Promise<void> {
  if (cpu && cuda) throwIfAny([{ path: 'cuda', message: 'give --cpu or --cuda, not both' }])
  const { fetchLibtorch } = await import('../native/fetch.ts')
  const flavour = cpu ? 'cpu' : cuda ? 'cuda' : 'auto'
  const folder = await fetchLibtorch({ flavour, onLine: (line) => stderr.write(`${line}\n`) })
  stdout.write(`${json ? JSON.stringify({ libtorch: folder }) : folder}\n`)
}
