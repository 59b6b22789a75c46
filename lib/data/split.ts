/** Which pictures are held out: never trained on, so that what a model makes can be compared with what it has not seen. */
import { ShinsakuError } from '../errors.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import type { ManifestFile } from './manifest.ts'

type Holdout = ResolvedTrainOptions['holdout']
type Known = Pick<ManifestFile, 'path' | 'sha256'>

/** What "auto" takes of sets that can spare it. */
const AUTO = { from: 100, share: 0.1, least: 16 }

/** The sides on record of a run that goes on. */
export type RecordedSplit = { readonly files: readonly Known[]; readonly heldOut: readonly Known[] }

/** How many of `count` pictures to hold out. Throws DATA_TOO_FEW where none would be left to train on. */
export function countHeldOut(holdout: Holdout, count: number): number {
  if (holdout === 'auto') return count < AUTO.from ? 0 : Math.max(AUTO.least, Math.round(AUTO.share * count))
  const wanted = holdout > 0 && holdout < 1 ? Math.max(1, Math.round(holdout * count)) : holdout
  if (wanted > 0 && wanted >= count)
    throw new ShinsakuError(
      'DATA_TOO_FEW',
      `holdout is ${holdout}, which takes ${wanted} of ${count} usable pictures: none is left to train on`,
      { hint: 'Lower holdout, set it to 0, or give more pictures.', details: { count, holdout } },
    )
  return wanted
}

/** Pictures that must stay on one side. */
type Group = { members: number[]; key: string }

/**
 * The largest of a group's hashes orders it: the same whatever the names and their order, and groups of many copies
 * are held out more rarely than single pictures.
 */
function groupsOf(files: readonly Known[], leaders: ArrayLike<number>): Group[] {
  const groups = new Map<string | number, Group>()
  for (const [index, { sha256 }] of files.entries()) {
    const group = groups.get(leaders[index]!) ?? { members: [], key: sha256 }
    group.members.push(index)
    if (sha256 > group.key) group.key = sha256
    groups.set(leaders[index]!, group)
  }
  return [...groups.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

/** Whole groups in the order of their keys, as far as they fit into `wanted`. */
function take(groups: readonly Group[], wanted: number): number[] {
  const taken: number[] = []
  for (const { members } of groups) if (taken.length + members.length <= wanted) taken.push(...members)
  return taken
}

/** On which side the record has a file: by its content, and where that is new, by its name. */
function sidesOf({ files, heldOut }: RecordedSplit): (file: Known) => 'trained' | 'heldOut' | undefined {
  const sides = new Map<string, 'trained' | 'heldOut'>()
  const contents = new Map<string, 'trained' | 'heldOut'>()
  for (const [side, list] of [['heldOut', heldOut] as const, ['trained', files] as const]) {
    for (const { path, sha256 } of list) {
      sides.set(path, side)
      contents.set(sha256, side)
    }
  }
  return ({ path, sha256 }) => contents.get(sha256) ?? sides.get(path)
}

/** As on record; a new picture goes with those it is a near-duplicate of, else to the training side. */
function followRecord(
  files: readonly Known[],
  groups: readonly Group[],
  wanted: number,
  recorded: RecordedSplit,
): number[] {
  const sideOf = sidesOf(recorded)
  const heldOut: number[] = []
  const untouched: Group[] = []
  for (const group of groups) {
    const sides = group.members.map((index) => sideOf(files[index]!))
    const joins = sides.includes('heldOut') ? 'heldOut' : 'trained'
    if (sides.every((side) => side === undefined)) untouched.push(group)
    else heldOut.push(...group.members.filter((_, i) => (sides[i] ?? joins) === 'heldOut'))
  }
  // None of those that were held out is there any more: what the network has not seen takes their place.
  return heldOut.length > 0 ? heldOut : take(untouched, wanted)
}

/**
 * Indices of the files to hold out, ascending. `leaders` has for each file the first of its near-duplicates, or its own
 * index. Chosen by the hash of the files' bytes: it does not depend on the decoder or on `size`, as pixels do.
 * With `recorded`, sides that are on record stay. Throws DATA_TOO_FEW.
 */
export function chooseHeldOut(
  files: readonly Known[],
  leaders: ArrayLike<number>,
  holdout: Holdout,
  recorded?: RecordedSplit,
): number[] {
  const wanted = countHeldOut(holdout, files.length)
  if (wanted === 0) return []
  const groups = groupsOf(files, leaders)
  const chosen = recorded ? followRecord(files, groups, wanted, recorded) : take(groups, wanted)
  if (chosen.length === files.length)
    throw new ShinsakuError('DATA_TOO_FEW', `All ${files.length} pictures are held out: none is left to train on`, {
      hint: 'Give the pictures back that the run was trained on, or start a new run.',
      details: { count: files.length, holdout },
    })
  return chosen.sort((a, b) => a - b)
}
