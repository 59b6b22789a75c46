/** What a person should look at before training: pictures that are there twice, and those unlike the others. */
import type { Measures } from '../images/measures.ts'
import type { ManifestFile } from './manifest.ts'

/** Each reason by name, and what it means. */
export const reasons = {
  copies: { title: 'byte-for-byte copies', note: 'the same file more than once' },
  nearDuplicates: { title: 'near-duplicates', note: 'the same picture again, also mirrored' },
  variants: { title: 'variants', note: 'the same drawing in other colours' },
  blank: { title: 'one colour only', note: 'or all transparent' },
  soft: { title: 'blurred or enlarged', note: 'no detail as fine as their pixels' },
  blocks: { title: 'enlarged in blocks', note: 'a smaller size holds all of it' },
  small: { title: 'small files', note: 'enlarged to the size they are trained at' },
  dark: { title: 'very dark', note: 'far darker than the others' },
  bright: { title: 'very bright and pale', note: 'hardly any contrast' },
  grey: { title: 'grey among colour', note: 'no colour where the others have it' },
  aspect: { title: 'long and narrow', note: 'half or more is cut off or padded' },
} as const

export type Reason = keyof typeof reasons

/** One picture and what is suspicious about it, or all of one group of duplicates. */
export type Finding = { reason: Reason; files: readonly ManifestFile[]; detail: string }

/** docs/data.md says what each was measured on. */
export const limits = {
  /** Contrast in brightness and in colour. */
  blank: 2,
  /** Detail at one size against that at half of it. */
  soft: 0.45,
  /** Detail, at half the size, below which there is none to compare with. */
  leastDetail: 1.5,
  /** What blocks leave at one size against half of it. */
  blocks: 0.2,
  dark: { below: 60, belowMedian: 60 },
  bright: { above: 225, contrast: 15, medianContrast: 25 },
  grey: { below: 1.5, median: 5 },
  /** Longer side over shorter. */
  aspect: 2,
} as const

/** A picture that is used, with what was measured of it. */
export type Looked = { file: ManifestFile; measures: Measures }

type Medians = { brightness: number; contrast: number; colour: number }

function medianOf(looked: readonly Looked[], name: keyof Medians): number {
  const sorted = Float64Array.from(looked, ({ measures }) => measures[name]).sort()
  return sorted[sorted.length >> 1] ?? 0
}

/** How many halvings in a row, from full size on, find a ratio below `limit`. */
function levelsBelow(values: readonly number[], limit: number, least = 0): number {
  let levels = 0
  while (levels + 1 < values.length && values[levels + 1]! > least && values[levels]! < limit * values[levels + 1]!)
    levels += 1
  return levels
}

/** A block of 4 pixels leaves nothing at full size nor at half: the last size that leaves nothing counts. */
function blockLevels(blocks: readonly number[]): number {
  for (let level = blocks.length - 1; level > 0; level--)
    if (blocks[level]! > limits.leastDetail && blocks[level - 1]! < limits.blocks * blocks[level]!) return level
  return 0
}

type Found = { reason: Reason; detail: string }

/** What is wrong with the detail of one picture; that of a small one is no surprise. */
function detailOf({ file, measures }: Looked, size: number): Found | undefined {
  const { width, height, format } = file
  if (format !== 'svg' && Math.min(width, height) < size) return { reason: 'small', detail: `${width} x ${height}` }
  const block = 2 ** blockLevels(measures.blocks)
  if (block > 1) return { reason: 'blocks', detail: `fits ${Math.round(size / block)} px` }
  const levels = levelsBelow(measures.detail, limits.soft, limits.leastDetail)
  if (levels > 0) return { reason: 'soft', detail: `detail of ${Math.round(size / 2 ** levels)} px` }
  return undefined
}

function toneOf({ measures }: Looked, medians: Medians): Found[] {
  const { brightness, contrast, colour } = measures
  const { dark, bright, grey } = limits
  const found: Found[] = []
  const detail = `brightness ${Math.round(brightness)}`
  if (brightness < dark.below && medians.brightness - brightness >= dark.belowMedian)
    found.push({ reason: 'dark', detail })
  if (brightness > bright.above && contrast < bright.contrast && medians.contrast >= bright.medianContrast)
    found.push({ reason: 'bright', detail })
  // In the dark, colours are gone as well.
  if (found.length === 0 && colour < grey.below && medians.colour >= grey.median)
    found.push({ reason: 'grey', detail: 'no colour' })
  return found
}

function ofOne(looked: Looked, medians: Medians, size: number): Found[] {
  const { file, measures } = looked
  const { width, height } = file
  const blank = measures.contrast < limits.blank && measures.colourContrast < limits.blank
  const longer = Math.max(width, height) / Math.min(width, height)
  const shape: Found[] = longer >= limits.aspect ? [{ reason: 'aspect', detail: `${width} x ${height}` }] : []
  if (blank) return [{ reason: 'blank', detail: file.transparent ? 'transparent' : 'one colour' }, ...shape]
  const detail = detailOf(looked, size)
  return [...(detail ? [detail] : []), ...toneOf(looked, medians), ...shape]
}

/** Pictures that have the same number on record, together. */
function together(looked: readonly Looked[], key: 'group' | 'variant'): ManifestFile[][] {
  const groups = new Map<number, ManifestFile[]>()
  for (const { file } of looked) {
    const number = file[key]
    if (number === undefined) continue
    const members = groups.get(number) ?? []
    members.push(file)
    groups.set(number, members)
  }
  return [...groups.values()]
}

/** Of variants that are more than near-duplicates of each other. */
function ofVariants(looked: readonly Looked[]): Finding[] {
  return together(looked, 'variant')
    .filter((files) => files.some(({ group }) => group === undefined || group !== files[0]!.group))
    .map((files) => ({ reason: 'variants', files, detail: `${files.length} of one drawing` }))
}

/** One finding for each group of near-duplicates. */
function ofGroups(looked: readonly Looked[]): Finding[] {
  return together(looked, 'group').map((files) => {
    const contents = new Set(files.map(({ sha256 }) => sha256)).size
    if (contents === 1) return { reason: 'copies', files, detail: `${files.length} times` }
    const same = contents < files.length ? `, ${contents} of them different files` : ''
    return { reason: 'nearDuplicates', files, detail: `${files.length} alike${same}` }
  })
}

/** Everything suspicious, by reason in the order of the table, then in the order of the pictures. */
export function findingsOf(looked: readonly Looked[], size: number): Finding[] {
  const medians = {
    brightness: medianOf(looked, 'brightness'),
    contrast: medianOf(looked, 'contrast'),
    colour: medianOf(looked, 'colour'),
  }
  const singles = looked.flatMap((one) =>
    ofOne(one, medians, size).map((found): Finding => ({ ...found, files: [one.file] })),
  )
  const all = [...ofGroups(looked), ...ofVariants(looked), ...singles]
  return (Object.keys(reasons) as Reason[]).flatMap((reason) => all.filter((finding) => finding.reason === reason))
}

/** How many pictures have each reason; reasons that none has are absent. */
export function countFindings(findings: readonly Finding[]): Partial<Record<Reason, number>> {
  const counts: Partial<Record<Reason, number>> = {}
  for (const { reason, files } of findings) counts[reason] = (counts[reason] ?? 0) + files.length
  return counts
}
