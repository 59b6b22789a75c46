/** A sheet of pictures under headings, to look at: PNG of a bounded size, with what is said of each below it. */
import { fitting, lettering } from './lettering.ts'
import { loadSharp } from './sharp.ts'
import { writeXmp } from './xmp.ts'

/** A picture's pixels are asked for when it is placed: `[size, size, channels]`. */
export type SheetPicture = { pixels: () => Promise<Uint8Array>; name: string; detail: string }

/** Pictures that belong together: a single one, or a group that gets one frame. */
export type SheetSection = { title: string; note: string; groups: readonly (readonly SheetPicture[])[] }

type Shape = { readonly size: number; readonly channels: number }

const TILE = 112
const GAP = 16
/** Of a group, around its pictures. */
const FRAME = 5
const COLUMNS = 8
const MARGIN = 32
const PITCH = TILE + GAP
const CAPTION = 34
const WIDTH = 2 * MARGIN + COLUMNS * PITCH - GAP
const HEADING = 22
const TITLE = 17
const NOTE = 9
const NAME = 8
const colours = { paper: '#f6f3ec', frame: '#e4ddcc', ink: '#2b2a33', faint: '#7a756a', accent: '#b4512f' }

type Placed = { picture: SheetPicture; left: number; top: number }
type Space = { left: number; top: number; columns: number }
type Layout = { svg: string[]; placed: Placed[]; bottom: number }

/** The end of a name says more than its beginning. */
const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `..${text.slice(text.length - most + 2)}`

function captions({ name, detail }: SheetPicture, left: number, top: number): string[] {
  const most = fitting(TILE, NAME)
  return [
    lettering(shortened(name, most), left, top + TILE + 7, NAME, colours.ink),
    lettering(detail.slice(0, fitting(TILE, NAME - 1)), left, top + TILE + 21, NAME - 1, colours.faint),
  ]
}

/** Places the pictures of one section into so many columns; a group that does not fit into the row begins a new one. */
function layOut({ title, note, groups }: SheetSection, { left: edge, top, columns }: Space): Layout {
  const layout: Layout = { svg: [], placed: [], bottom: top }
  layout.svg.push(lettering(title, edge, top, TITLE, colours.accent, 0.14))
  layout.svg.push(lettering(note, edge, top + TITLE + 11, NOTE, colours.faint))
  let [column, y] = [0, top + TITLE + NOTE + 32]
  const begin = () => {
    column = 0
    y += PITCH + CAPTION
  }
  for (const group of groups) {
    if (column > 0 && column + Math.min(group.length, columns) > columns) begin()
    for (const [index, picture] of group.entries()) {
      if (column === columns) begin()
      const left = edge + column * PITCH
      const before = index > 0 && column > 0 ? GAP : FRAME
      if (group.length > 1)
        layout.svg.push(
          `<rect x="${left - before}" y="${y - FRAME}" width="${TILE + before + FRAME}" height="${TILE + 2 * FRAME}" rx="5" fill="${colours.frame}"/>`,
        )
      layout.svg.push(...captions(picture, left, y))
      layout.placed.push({ picture, left, top: y })
      column += 1
    }
  }
  layout.bottom = y + TILE + CAPTION
  return layout
}

const isShort = ({ groups }: SheetSection): boolean => groups.flat().length <= COLUMNS / 2

/** Sections one below the other; two short ones that follow each other lie side by side. */
function layOutAll(sections: readonly SheetSection[], top: number): Layout {
  const all: Layout = { svg: [], placed: [], bottom: top }
  const add = (section: SheetSection, space: Space): number => {
    const { svg, placed, bottom } = layOut(section, space)
    all.svg.push(...svg)
    all.placed.push(...placed)
    return bottom
  }
  for (let i = 0; i < sections.length; i++) {
    const [section, next] = [sections[i]!, sections[i + 1]]
    const space = { left: MARGIN, top: all.bottom + 40, columns: COLUMNS }
    const bottom = add(section, space)
    all.bottom = bottom
    if (!next || !isShort(section) || !isShort(next)) continue
    all.bottom = Math.max(bottom, add(next, { ...space, left: MARGIN + (COLUMNS / 2) * PITCH, columns: COLUMNS / 2 }))
    i += 1
  }
  return all
}

/** The sheet as PNG. It says that this package made it, so it never becomes data. */
export async function makeSheet(heading: string, sections: readonly SheetSection[], shape: Shape): Promise<Uint8Array> {
  const sharp = await loadSharp()
  const { svg, placed, bottom } = layOutAll(sections, MARGIN + HEADING)
  svg.push(lettering(heading, MARGIN, MARGIN, HEADING, colours.ink, 0.13))
  const height = bottom + MARGIN
  const raw = { width: shape.size, height: shape.size, channels: shape.channels as 1 | 3 | 4 }
  const kernel = shape.size < TILE ? 'nearest' : 'lanczos3'
  const tiles: { input: Buffer; left: number; top: number }[] = []
  for (const { picture, left, top } of placed) {
    const tile = sharp(await picture.pixels(), { raw }).resize(TILE, TILE, { kernel })
    tiles.push({ input: await tile.toColourspace('srgb').png().toBuffer(), left, top })
  }
  const words = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}">${svg.join('')}</svg>`
  const paper = sharp({ create: { width: WIDTH, height, channels: 3, background: colours.paper } })
  return paper
    .composite([{ input: Buffer.from(words), left: 0, top: 0 }, ...tiles])
    .removeAlpha()
    .withXmp(writeXmp())
    .png()
    .toBuffer()
}
