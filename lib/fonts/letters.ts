/** The pictures of the font task: one letter each, black on white, 64 pixels a side, somewhere on the picture. */
import { randomOf } from '../icons/random.ts'
import { openTypefaces, type Typeface } from './typeface.ts'

const SIDE = 64

/** Height of the em: at more than 0.62 of the side descenders would be cut. */
const EM = 38

/** Places are multiples of this, so that pictures differ by more than a shift by whole pixels. */
const PER_PIXEL = 10

/** Letters that are trained on, and those that a network is tested with: it never sees them before. */
const TRAINED = 'abcdefghijklmABCDEFGHIJKLM'
const TESTED = 'nopqrstuvwxyzNOPQRSTUVWXYZ'

export type LetterPicture = {
  /** TYPEFACE/LETTER-NUMBER.svg; capitals are doubled, for file systems that do not tell them apart. */
  path: string
  isTested: boolean
  draw(): string
}

export type Letters = { pictures: LetterPicture[]; licence: string }

function drawLetter(face: Typeface, letter: string, seed: number, number: number): string {
  const { path, left, top, right, bottom } = face.letter(letter, EM)
  const random = randomOf(seed, letter.charCodeAt(0), number)
  const place = (low: number, high: number) => random.between(0, Math.floor((SIDE - (high - low)) * PER_PIXEL))
  const [x, y] = [place(left, right) / PER_PIXEL - left, place(top, bottom) / PER_PIXEL - top]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}" width="${SIDE}" height="${SIDE}"><rect width="${SIDE}" height="${SIDE}" fill="#fff"/><path transform="translate(${x.toFixed(2)} ${y.toFixed(2)})" d="${path}"/></svg>`
}

/**
 * `each` pictures of each letter in each typeface; places follow from `seed`, the same for each typeface. Rejects as
 * `openTypefaces()`.
 */
export async function letterPictures(names: readonly string[], each: number, seed: number): Promise<Letters> {
  const faces = await openTypefaces(names)
  const digits = String(each - 1).length
  const pictures = faces.flatMap((face) =>
    [...TRAINED, ...TESTED].flatMap((letter) =>
      Array.from({ length: each }, (_, number) => ({
        path: `${face.name}/${letter === letter.toLowerCase() ? letter : letter + letter}-${String(number).padStart(digits, '0')}.svg`,
        isTested: TESTED.includes(letter),
        draw: () => drawLetter(face, letter, seed, number),
      })),
    ),
  )
  return { pictures, licence: [...new Set(faces.map(({ licence }) => licence))].sort().join(' AND ') }
}

/** The letter on a picture by its path. */
export const letterOf = (path: string): string => path.slice(path.indexOf('/') + 1)[0]!
