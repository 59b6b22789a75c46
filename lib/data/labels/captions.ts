/** Captions: beside each picture a text file of its name, with tags or a sentence. */
import { extname, join } from 'node:path'
import { abortError, visible } from '../../errors.ts'
import { asCode, readText } from '../../files/read.ts'
import { withPatience } from '../../files/shortage.ts'
import { captionWords } from '../../options/words.ts'
import { type FoundLabels, labelsInvalid, noLabels, type RawLabels } from './raw.ts'

/** The attribute that holds a caption's words. */
const WORDS = 'words'

const MAX_BYTES = 2 ** 16
const MAX_NAMED = 3

const sidecarOf = (path: string): string => `${path.slice(0, path.length - extname(path).length)}.txt`

const isMissing = (error: unknown): boolean =>
  ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'

/** Reads the caption of each of `paths` in `root`. Rejects with LABELS_INVALID where one is missing or no text, ABORT_ERR. */
export async function readCaptions(
  root: string,
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<FoundLabels> {
  const found = new Map<string, RawLabels>()
  const missing: string[] = []
  for (const path of paths) {
    if (signal?.aborted) throw abortError(signal, 'Reading the captions')
    const file = join(root, sidecarOf(path))
    const text = await withPatience(file, () => readText(file, MAX_BYTES)).catch((error) => {
      if (!isMissing(error)) return asCode('LABELS_INVALID')(error)
      missing.push(sidecarOf(path))
      return ''
    })
    const words = captionWords(text)
    found.set(path, words.length === 0 ? noLabels : new Map([[WORDS, words]]))
  }
  if (missing.length > 0)
    throw labelsInvalid(
      `${missing.length} of ${paths.length} pictures have no caption: ${missing.slice(0, MAX_NAMED).map(visible).join(', ')}${missing.length > MAX_NAMED ? ', ...' : ''} ${missing.length === 1 ? 'is' : 'are'} missing`,
      'Beside each picture belongs a text file of its name: a.txt beside a.png. An empty one says that nothing is known.',
      { details: { missing: missing.slice(0, 100), count: missing.length } },
    )
  return { of: (path) => found.get(path) ?? noLabels, warnings: [] }
}
