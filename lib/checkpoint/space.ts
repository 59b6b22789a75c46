/** Free space, looked at before it runs out. */
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileError, freeSpaceHint, ShinsakuError } from '../errors.ts'

/** Room for logs, records and the file system's own needs. */
const MARGIN_BYTES = 2 ** 20

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`

/** Throws DISK_FULL unless `bytes` and a small margin fit on the file system of `folder`. */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize, blocks } = await statfs(folder).catch((cause) => {
    throw fileError('look for free space in', folder, cause)
  })
  // Some virtual file systems state no size at all.
  if (blocks === 0) return
  const free = bavail * bsize
  if (free >= bytes + MARGIN_BYTES) return
  throw new ShinsakuError(
    'DISK_FULL',
    `${megabytes(bytes + MARGIN_BYTES)} are needed in ${folder}, but only ${megabytes(free)} are free`,
    {
      hint: freeSpaceHint,
      details: { folder, bytes, free },
    },
  )
}

/** As requireSpace(), for a folder that need not be there yet. */
export async function requireSpaceBelow(folder: string, bytes: number): Promise<void> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const missing = await statfs(path).then(
      () => false,
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT' && path !== dirname(path),
    )
    if (!missing) return requireSpace(path, bytes)
  }
}
