/** Zip archives in memory: one file out of one that may be hostile, and small ones made. */
import { fileError } from '../errors.ts'
import { readWhole } from './read.ts'

/** What a file of an archive may have once it is unpacked; what claims more is not unpacked. */
type Limits = { archiveBytes: number; fileBytes: number }

/** The bytes of those files of an archive that `wanted` takes, by name. Rejects with FILE_FAILED. */
export async function readZip(
  path: string,
  wanted: (name: string) => boolean,
  { archiveBytes, fileBytes }: Limits,
): Promise<Record<string, Uint8Array>> {
  const bytes = await readWhole(path, archiveBytes)
  const { unzip } = await import('fflate')
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(fileError('unpack', path, cause))
    const filter = ({ name, originalSize }: { name: string; originalSize: number }) => {
      if (!wanted(name)) return false
      if (originalSize > fileBytes) fail(new Error(`its file ${JSON.stringify(name)} would have ${originalSize} bytes`))
      return originalSize <= fileBytes
    }
    try {
      unzip(bytes, { filter }, (error, files) => (error ? fail(error) : resolve(files)))
    } catch (cause) {
      fail(cause)
    }
  })
}

/** An archive of these files, compressed. */
export async function makeZip(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const { zip } = await import('fflate')
  return new Promise((resolve, reject) => zip({ ...files }, (error, bytes) => (error ? reject(error) : resolve(bytes))))
}
