/** What every kind of source comes to: an ordered list of things to decode, and what is known of them. */
import type { Found } from './folder.ts'
import type { Rights } from './licences.ts'
import type { Item } from './outcome.ts'

export type Source = {
  /** The data by name, without the folders above it. */
  name: string
  items: Item[]
  skipped: Found['skipped']
  ignored: Found['ignored']
  /** Folder whose LICENSES.csv counts; null for drawings. */
  root: string | null
  /** What is known of every picture when there is no LICENSES.csv. */
  rights: Rights
  /** Which pictures are held out, where that is the task's and not an option's. */
  isHeldOut?: (path: string) => boolean
}
