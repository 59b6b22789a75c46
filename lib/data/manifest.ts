/** dataset.json: what a model was trained on, file by file. */
import { createHash } from 'node:crypto'
import type { PixelSettings } from '../images/decode.ts'
import type { PictureLabels } from '../options/labels.ts'

/** One picture that is used. */
export type ManifestFile = {
  /** Relative to the folder, or to the deepest folder all files of a list are in. */
  path: string
  sha256: string
  bytes: number
  /** As the picture is shown, with its orientation applied. */
  width: number
  height: number
  /** What the content is, whatever the name says. */
  format: string
  licence: string | null
  author: string | null
  source: string | null
  /** The file itself or LICENSES.csv forbids training or data mining. */
  optOut: boolean
  /** Every pixel of it is; absent where it is not so. */
  transparent?: true
  /** The same for pictures that are near-duplicates of each other; absent for one that is alone. */
  group?: number
  /** The same for variants of one drawing, near-duplicates among them; absent for one that is alone. */
  variant?: number
  /** What is known of it; absent where the run has no labels. */
  labels?: PictureLabels
}

/** Something that was found and is not used, and why. */
export type Skipped = { path: string; reason: string }

export type Manifest = {
  version: 1
  /** The folder's own name, "builtin:icons:COUNT:SEED", or how many files were listed. */
  data: string
  /** Of the pictures to train on. */
  count: number
  /** SHA-256 over one line for each of these: its SHA-256, two spaces, its path as a JSON string. */
  digest: string
  /** How the files became pixels. */
  settings: PixelSettings
  /** The pictures to train on. */
  files: ManifestFile[]
  /** Pictures that are never trained on; absent where there are none. */
  heldOut?: ManifestFile[]
  /** `digest` of those held out. */
  heldOutDigest?: string
  /** SHA-256 over one line for each picture to train on: its labels as JSON; absent where the run has none. */
  labelsDigest?: string
  skipped: Skipped[]
  /** Files of other kinds, by extension. */
  ignored: Readonly<Record<string, number>>
}

/** Equal for equal labels of as many pictures. */
export function labelsDigestOf(files: readonly Pick<ManifestFile, 'labels'>[]): string {
  const hash = createHash('sha256')
  for (const { labels } of files) hash.update(`${JSON.stringify(labels ?? {})}\n`)
  return hash.digest('hex')
}

/** Equal for equal files in equal order under equal names. */
export function digestOf(files: readonly Pick<ManifestFile, 'path' | 'sha256'>[]): string {
  const hash = createHash('sha256')
  for (const { path, sha256 } of files) hash.update(`${sha256}  ${JSON.stringify(path)}\n`)
  return hash.digest('hex')
}
