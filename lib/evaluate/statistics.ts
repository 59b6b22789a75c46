/** Statistics that FID is measured against in place of the reference's own, such as those that were published. */
import { basename } from 'node:path'
import { ShinsakuError, visible } from '../errors.ts'
import type { FeatureStatistics } from '../native/evaluate.ts'
import type { OpenedExtractor } from './extractor/open.ts'
import { readStatistics } from './npz.ts'

export type NamedStatistics = FeatureStatistics & { name: string }

/**
 * Reads those that a call names, and null where it names none. Rejects with EXTRACTOR_MISSING without an extractor, with
 * STATISTICS_INVALID for a damaged file or one of another extractor, and with FILE_FAILED.
 */
export async function openStatistics(path: string | null, extractor: OpenedExtractor): Promise<NamedStatistics | null> {
  if (path === null) return null
  if ('missing' in extractor)
    throw new ShinsakuError(
      'EXTRACTOR_MISSING',
      `${visible(path)} cannot be compared with without the extractor it was made with: ${extractor.missing}`,
    )
  const statistics = await readStatistics(path)
  const [theirs, { name, width }] = [statistics.mean.length, extractor.info]
  if (theirs !== width)
    throw new ShinsakuError(
      'STATISTICS_INVALID',
      `${visible(path)} was made with another extractor: it is of ${theirs} features, but "${name}" makes ${width}`,
      { hint: 'Name the extractor that it was made with: extractor (--extractor).' },
    )
  return { ...statistics, name: basename(path) }
}
