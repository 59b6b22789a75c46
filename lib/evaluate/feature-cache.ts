/** Features of pictures that are measured against again and again, kept in the cache folder beside decoded pictures. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { FEATURES_EXTENSION, keepWithin, pixelsFolder } from '../data/cache-folder.ts'
import type { Manifest } from '../data/manifest.ts'
import { readWhole } from '../files/read.ts'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import { cacheLimit } from '../system/cache.ts'
import { version } from '../system/version.ts'
import type { ExtractorInfo } from './metrics.ts'

/** Features of one set of pictures. Neither fails: what cannot be kept is computed again. */
export type FeatureCache = {
  /** Null where there are none, or none whole. */
  read(pictures: number): Promise<Float32Array | null>
  /** All rows of the set. */
  write(rows: Float32Array): Promise<void>
}

const HASH_BYTES = 32

const bytesOf = (rows: Float32Array): Buffer => Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)
const digestOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()

/**
 * `digest` tells the files of a set from all others, `settings` how they became pixels. Devices and versions of this
 * package may differ in the last bits, so each has its own.
 */
export function featureCache(
  digest: string,
  settings: Manifest['settings'],
  { name, sha256, width }: ExtractorInfo,
  device: string,
): FeatureCache {
  const key = digestOf(Buffer.from(JSON.stringify([version, digest, settings, sha256, device]))).toString('hex')
  const folder = pixelsFolder()
  const pathOf = (pictures: number) =>
    join(folder, `${name}-${pictures}x${width}-${key.slice(0, 32)}${FEATURES_EXTENSION}`)
  return {
    async read(pictures) {
      const length = pictures * width * Float32Array.BYTES_PER_ELEMENT
      const path = pathOf(pictures)
      const file = await readWhole(path, length + HASH_BYTES).catch(() => null)
      if (file?.length !== length + HASH_BYTES) return null
      const rows = file.subarray(0, length)
      if (!digestOf(rows).equals(file.subarray(length))) return null
      await keepWithin(folder, path, cacheLimit())
      return new Float32Array(file.buffer, file.byteOffset, pictures * width)
    },
    async write(rows) {
      const path = pathOf(rows.length / width)
      const bytes = bytesOf(rows)
      try {
        await makeFolderDurable(folder)
        await writeDurable(path, Buffer.concat([bytes, digestOf(bytes)]))
        await keepWithin(folder, path, cacheLimit())
      } catch {
        // A cache is no reason to fail.
      }
    },
  }
}
