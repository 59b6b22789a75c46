/** Whether a resumed run has the pictures it was started with, and in words what became of them. */
import type { Manifest } from '../data/manifest.ts'
import { ShinsakuError } from '../errors.ts'
import type { DatasetFile } from '../run/dataset-record.ts'
import type { RunDirectory } from '../run/directory.ts'
import { hintToAllow } from './resume-options.ts'

const MAX_NAMED = 3

/** Some of the paths, and how many there are: `2 added (a.png, b.png)`. */
function some(paths: readonly string[], what: string): string[] {
  if (paths.length === 0) return []
  const named = paths.slice(0, MAX_NAMED).join(', ')
  return [`${paths.length} ${what} (${named}${paths.length > MAX_NAMED ? ', ...' : ''})`]
}

/** What became of the files of a data set, in words. */
export function describeFiles(then: readonly DatasetFile[], now: readonly DatasetFile[]): string {
  const [before, after] = [then, now].map((files) => new Map(files.map(({ path, sha256 }) => [path, sha256])))
  const paths = (files: readonly DatasetFile[], wanted: (path: string) => boolean) =>
    files.map(({ path }) => path).filter(wanted)
  const parts = [
    ...some(
      paths(now, (path) => !before!.has(path)),
      'added',
    ),
    ...some(
      paths(then, (path) => !after!.has(path)),
      'missing',
    ),
    ...some(
      paths(now, (path) => before!.has(path) && before!.get(path) !== after!.get(path)),
      'with other content',
    ),
  ]
  return parts.length === 0 ? 'the same files in another order' : parts.join(', ')
}

type Digested = Pick<Manifest, 'digest' | 'count' | 'heldOutDigest' | 'labelsDigest'> & {
  files: readonly DatasetFile[]
  heldOut?: readonly DatasetFile[]
}

/** What became of the labels of pictures that are the same; undefined where nothing did. */
function describeLabels(then: string | null, now: string | null): string | undefined {
  if (then === now) return undefined
  if (then === null) return 'labelled now'
  return now === null ? 'without labels now' : 'with other labels'
}

/** `change` in words; `trained`: whether it is about the pictures to train on. */
export type OtherPictures = { change: string; trained: boolean }

/**
 * What differs from the pictures the run was started with; undefined where nothing does.
 * Throws RESUME_MISMATCH unless "data" may differ.
 */
export async function comparePictures(
  directory: Pick<RunDirectory, 'path' | 'readDataset' | 'readDatasetFiles'>,
  now: Digested,
  allowChanges: readonly string[] | null,
): Promise<OtherPictures | undefined> {
  const then = await directory.readDataset()
  const trained = then.digest !== now.digest
  const heldOut = then.heldOutDigest !== (now.heldOutDigest ?? null)
  const after = now.heldOut ?? []
  const labels = trained ? undefined : describeLabels(then.labelsDigest, now.labelsDigest ?? null)
  if (!trained && !heldOut && labels === undefined) return undefined
  const { heldOut: before, files } = await directory.readDatasetFiles()
  const change = [
    ...(trained ? [`${then.count} then, ${now.count} now: ${describeFiles(files, now.files)}`] : []),
    ...(heldOut ? [`held out ${before.length} then, ${after.length} now: ${describeFiles(before, after)}`] : []),
    ...(labels === undefined ? [] : [labels]),
  ].join('; ')
  // Whether a run without labels may take some is asked of its options.
  const onlyLabelled = !trained && !heldOut && then.labelsDigest === null
  if (onlyLabelled || allowChanges?.includes('data')) return { change, trained }
  throw new ShinsakuError(
    'RESUME_MISMATCH',
    `The pictures differ from those ${directory.path} was started with: ${change}`,
    { hint: hintToAllow(['data'], 'Give the same pictures again'), details: { changed: ['data'] } },
  )
}
