/** A process of its own that loads libtorch, the addon and sharp, and prints as JSON what came of it. */
import { errorTable, ShinsakuError } from '../errors.ts'
import { loadNative } from '../native/load.ts'
import { threadsFor } from '../system/cpus.ts'

/** What `shinsaku doctor` reads. */
export type Probe =
  | { builtFor: string; cpu: string; threads: number; gpu: string; gpuProblem: string | null; pictures: string }
  | { code: string | null; message: string; advice: string }

async function probe(): Promise<Probe> {
  try {
    const { addon, cudaProblem, cudaName } = await loadNative()
    const { builtFor, cpuCapability } = await addon.info()
    const { decoderVersion } = await import('../images/sharp.ts')
    const pictures = await decoderVersion()
    return { builtFor, cpu: cpuCapability, threads: threadsFor(0), gpu: cudaName, gpuProblem: cudaProblem, pictures }
  } catch (error) {
    if (!(error instanceof ShinsakuError))
      return { code: null, message: (error as Error).message, advice: 'Reinstall the package: npm install shinsaku' }
    return { code: error.code, message: error.message, advice: error.hint ?? errorTable[error.code] }
  }
}

process.stdout.write(JSON.stringify(await probe()))
