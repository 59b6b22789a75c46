/** Typefaces of @fontsource packages that are installed beside this one, and the outlines of their letters. */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ShinsakuError } from '../errors.ts'
import { readWhole } from '../files/read.ts'

/** A letter's outline as SVG has it, and what it covers; y grows downwards, and 0 is the line that letters stand on. */
export type Outline = { path: string; left: number; top: number; right: number; bottom: number }

export type Typeface = {
  name: string
  /** What its package says of its licence. */
  licence: string
  /** A letter whose em is so many pixels high. Throws TYPEFACE_INVALID where there is none. */
  letter(letter: string, em: number): Outline
}

/** So much of opentype.js as is used here. */
type Font = {
  charToGlyphIndex(letter: string): number
  getPath(
    text: string,
    x: number,
    y: number,
    size: number,
  ): { toPathData(decimals: number): string; getBoundingBox(): { x1: number; y1: number; x2: number; y2: number } }
}
type Opentype = { parse(bytes: ArrayBuffer): Font }

const PARSER = 'opentype.js'
const packageOf = (name: string): string => `@fontsource/${name}`

/** Fonts have less, but those of Chinese and Japanese. */
const MAX_BYTES = 2 ** 25

/** Where a file of an installed package is. Throws where there is none. */
const locate = (path: string): string => fileURLToPath(import.meta.resolve(path))

const isThere = (path: string): boolean => {
  try {
    return existsSync(locate(path))
  } catch {
    return false
  }
}

/** Throws TOOL_MISSING with the line that installs what is not there. */
function requireInstalled(names: readonly string[]): void {
  const missing = [
    ...(isThere(PARSER) ? [] : [PARSER]),
    ...names.filter((name) => !isThere(fileOf(name))).map(packageOf),
  ]
  if (missing.length === 0) return
  throw new ShinsakuError(
    'TOOL_MISSING',
    `"builtin:fonts" needs ${missing.length === 1 ? 'a package that is' : 'packages that are'} not installed: npm install ${missing.join(' ')}`,
    {
      hint: 'Each typeface is a package of its own, such as @fontsource/tinos; fontsource.org lists them.',
      details: { missing },
    },
  )
}

/** The upright one of usual weight, with the letters of English. */
const fileOf = (name: string): string => `${packageOf(name)}/files/${name}-latin-400-normal.woff`

const invalid = (name: string, what: string, cause?: unknown) =>
  new ShinsakuError('TYPEFACE_INVALID', `${packageOf(name)} ${what}`, {
    cause,
    hint: 'Take another typeface, one with Latin letters.',
    details: { typeface: name },
  })

function licenceOf(name: string, file: string): string {
  try {
    const about = JSON.parse(readFileSync(file.replace(/files[\\/][^\\/]+$/, 'package.json'), 'utf8')) as {
      license?: unknown
    }
    if (typeof about.license === 'string' && about.license !== '') return about.license
  } catch (cause) {
    throw invalid(name, 'has no package.json that can be read', cause)
  }
  throw invalid(name, 'does not say what its licence is')
}

async function openOne(name: string, { parse }: Opentype): Promise<Typeface> {
  const file = locate(fileOf(name))
  const bytes = await readWhole(file, MAX_BYTES)
  let font: Font
  try {
    font = parse(Uint8Array.from(bytes).buffer)
  } catch (cause) {
    throw invalid(name, `holds a font that cannot be read: ${(cause as Error).message}`, cause)
  }
  return {
    name,
    licence: licenceOf(name, file),
    letter(letter, em) {
      if (font.charToGlyphIndex(letter) === 0) throw invalid(name, `has no letter "${letter}"`)
      const path = font.getPath(letter, 0, 0, em)
      const { x1, y1, x2, y2 } = path.getBoundingBox()
      return { path: path.toPathData(2), left: x1, top: y1, right: x2, bottom: y2 }
    },
  }
}

/** Opens typefaces by the names of their packages. Rejects with TOOL_MISSING, TYPEFACE_INVALID, FILE_FAILED. */
export async function openTypefaces(names: readonly string[]): Promise<Typeface[]> {
  requireInstalled(names)
  // @ts-expect-error: it comes without types
  const { default: opentype } = (await import('opentype.js')) as { default: Opentype }
  return Promise.all(names.map((name) => openOne(name, opentype)))
}
