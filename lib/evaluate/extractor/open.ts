/** Opens the extractor that a call asks for, or says why there is none. */
import { ShinsakuError } from '../../errors.ts'
import type { NativeEvaluate } from '../../native/evaluate.ts'
import { type ExtractorChoice, extractorNames } from '../../options/evaluate.ts'
import type { OpenExtractor } from '../by-features.ts'
import type { ExtractorInfo } from '../metrics.ts'
import { knownExtractors } from './known.ts'
import { readExtractor, storedExtractors } from './store.ts'

export type OpenedExtractor = { open: OpenExtractor; info: ExtractorInfo } | { missing: string }

/** "auto" takes the first that is stored. Throws EXTRACTOR_MISSING where one is named that is not, EXTRACTOR_INVALID. */
export async function openExtractor(
  addon: Pick<NativeEvaluate, 'embedder'>,
  choice: ExtractorChoice,
  device: string,
): Promise<OpenedExtractor> {
  if (choice === 'none') return { missing: 'extractor is "none"' }
  let name = choice === 'auto' ? undefined : choice
  if (name === undefined) {
    const stored = await storedExtractors()
    name = extractorNames.find((known) => stored.includes(known))
    if (name === undefined)
      return { missing: 'no extractor is on this machine: npx shinsaku setup --metrics fetches one' }
  }
  const { width, file } = knownExtractors[name]
  const tensors = await readExtractor(name)
  try {
    const embedder = await addon.embedder({ network: name, output: width, device }, tensors)
    return { open: { embedder, width }, info: { name, sha256: file.sha256, width } }
  } catch (error) {
    if (!(error instanceof ShinsakuError) || error.code !== 'SHAPE_INVALID') throw error
    throw new ShinsakuError(
      'EXTRACTOR_INVALID',
      `The stored extractor "${name}" does not fit its network: ${error.message}`,
      {
        cause: error,
      },
    )
  }
}
