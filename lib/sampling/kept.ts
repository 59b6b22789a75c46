/** Pictures that are in a folder already: those that a call would make again are kept, others are not overwritten. */
import { access } from 'node:fs/promises'
import { quoted, ShinsakuError, visible } from '../errors.ts'
import { Picture, type PictureKind } from './picture.ts'

type Settings = Readonly<Record<string, unknown>>

/** A picture whose file is there already. */
export type Kept = { readonly seed: number; readonly path: string }

const shown = (value: unknown) => (value === undefined ? 'absent' : quoted(String(value)))

/** In which settings two pictures differ: `steps is "20" there, "50" here`. */
function differences(there: Settings, here: Settings): string[] {
  const names = Object.keys({ ...there, ...here }).filter((name) => there[name] !== here[name])
  return names.map((name) => `${name} is ${shown(there[name])} there, ${shown(here[name])} here`)
}

function occupied(path: string, why: string): ShinsakuError {
  return new ShinsakuError(
    'FILE_EXISTS',
    `${visible(path)} is there already, and is not what would be written: ${why}`,
    {
      hint: 'Give another folder, or move away what is there; overwrite: true (--overwrite) replaces it.',
      details: { path },
    },
  )
}

/** Throws FILE_EXISTS where the file at `path` is not the picture with these settings. */
async function requireSame(path: string, settings: Settings): Promise<void> {
  const { readMetadata } = await import('../images/decode.ts')
  const found = await readMetadata(path).catch(() => null)
  if (found === null) throw occupied(path, 'shinsaku did not sample it')
  const differs = differences(found.settings, settings)
  if (differs.length > 0) throw occupied(path, differs.join('; '))
}

const isThere = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

/** Which of these pictures are files already, by seed. Throws FILE_EXISTS where other files have their names. */
export async function findKept(
  { seeds, provenance }: PictureKind & { readonly seeds: readonly number[] },
  pathOf: (seed: number) => string,
): Promise<Map<number, Kept>> {
  const kept = new Map<number, Kept>()
  for (const seed of new Set(seeds)) {
    const path = pathOf(seed)
    if (!(await isThere(path))) continue
    await requireSame(path, { ...provenance, seed })
    kept.set(seed, { seed, path })
  }
  return kept
}

/** A kept picture with its pixels. */
export async function readKept({ seed, path }: Kept, kind: PictureKind): Promise<Picture> {
  const { readPixels } = await import('../images/decode.ts')
  const { size, channels } = kind
  return new Picture(seed, await readPixels(path, { width: size, height: size, channels }), kind)
}
