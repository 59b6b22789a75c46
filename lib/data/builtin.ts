/** Data that this package draws itself: "builtin:icons", and "builtin:fonts" with typefaces that are installed. */
import { throwIfAny } from '../errors.ts'
import type { Source } from './source-type.ts'

const BUILTIN = 'builtin:'
const ICONS = { count: 158, seed: 1, mostCount: 100_000 }
/** Whether `data` is the font task, by its option or by its name. */
export const isFonts = (data: string): boolean => data.startsWith(`${BUILTIN}fonts`)

const FONTS = { faces: ['tinos', 'courier-prime'], each: 20, seed: 1, mostEach: 1000 }

const ICONS_FORM = `"builtin:icons[:COUNT[:SEED]]" with COUNT from 1 to ${ICONS.mostCount} and a whole SEED, such as "builtin:icons:${ICONS.count}:${ICONS.seed}"`
const FONTS_FORM = `"builtin:fonts[:FACE,FACE,...[:COUNT[:SEED]]]" with the names of two or more different @fontsource packages, COUNT from 1 to ${FONTS.mostEach} pictures of each letter in each, and a whole SEED, such as "builtin:fonts:${FONTS.faces}:${FONTS.each}:${FONTS.seed}"`

export const isBuiltin = (data: string): boolean => data.startsWith(BUILTIN)

function refuse(data: string, expected: string): void {
  throwIfAny([
    { path: 'data', message: `expected ${expected}, but got "${data}"; a folder of that name is written "./${data}"` },
  ])
}

const drawn = { skipped: [], ignored: {}, root: null }

async function openIcons(data: string): Promise<Source> {
  const match = data.match(/^builtin:icons(?::(\d+)(?::(\d+))?)?$/)
  const { count, seed } = { count: Number(match?.[1] ?? ICONS.count), seed: Number(match?.[2] ?? ICONS.seed) }
  if (!match || count < 1 || count > ICONS.mostCount || !Number.isSafeInteger(seed)) refuse(data, ICONS_FORM)
  const { drawIcon } = await import('../icons/icons.ts')
  const name = `${BUILTIN}icons:${count}:${seed}`
  const digits = String(count - 1).length
  const items = Array.from({ length: count }, (_, index) => ({
    path: `icon-${String(index).padStart(digits, '0')}.svg`,
    draw: () => drawIcon(seed, index),
  }))
  return { name, items, ...drawn, rights: { licence: 'MIT', author: 'shinsaku', source: name } }
}

async function openFonts(data: string): Promise<Source> {
  const match = data.match(/^builtin:fonts(?::([a-z0-9-]+(?:,[a-z0-9-]+)*)(?::(\d+)(?::(\d+))?)?)?$/)
  const faces = match?.[1]?.split(',') ?? FONTS.faces
  const { each, seed } = { each: Number(match?.[2] ?? FONTS.each), seed: Number(match?.[3] ?? FONTS.seed) }
  const isWrong = !match || each < 1 || each > FONTS.mostEach || !Number.isSafeInteger(seed)
  if (isWrong || faces.length < 2 || new Set(faces).size < faces.length) refuse(data, FONTS_FORM)
  const { letterPictures } = await import('../fonts/letters.ts')
  const { pictures, licence } = await letterPictures(faces, each, seed)
  const name = `${BUILTIN}fonts:${faces}:${each}:${seed}`
  const tested = new Set(pictures.filter(({ isTested }) => isTested).map(({ path }) => path))
  return {
    name,
    items: pictures.map(({ path, draw }) => ({ path, draw })),
    ...drawn,
    rights: { licence, author: null, source: name },
    isHeldOut: (path) => tested.has(path),
  }
}

/** Rejects with OPTION_INVALID; of typefaces with TOOL_MISSING, TYPEFACE_INVALID. */
export const openBuiltin = (data: string): Promise<Source> => (isFonts(data) ? openFonts(data) : openIcons(data))
