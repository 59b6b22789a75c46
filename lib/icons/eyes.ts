/** Eyes and eyebrows. An eye is drawn about (0,0) as the one on the right of the picture; the other is its mirror image, lit from the same side. */
import { EYE_WHITE, INK, type irises, type Skin } from './palette.ts'
import { circle, curve, fill, moved, shape, stroke } from './svg.ts'

type Iris = (typeof irises)[number]

/** The open part of an eye, its lash, and how the iris sits in it. */
type Lid = {
  open: string
  lash: string
  crease: string
  under: string
  iris: readonly [rx: number, ry: number, y: number]
}

const lids = {
  round: {
    open: shape('-7.6,0.5 -5.6,-6.4 0,-8.8 5.8,-6.6 8,0 5.4,6.8 0,8.6 -5.4,7'),
    lash: shape('-9,1! -6.8,-7.2 0,-10.8 7,-8.4 9.8,-1.6! 6.6,-5.6 0.2,-7.9 -5.6,-5.2'),
    crease: curve('-4.6,-12.6 1,-13.8 6.4,-11.8'),
    under: curve('1.5,9.4 5,8.4 7.2,5.4'),
    iris: [6, 7.8, 0.4],
  },
  almond: {
    open: shape('-8.6,2.4! -5,-4.6 1,-6.8 7,-4.4 9,-0.6! 6.4,5 0.6,6.8 -5,5.6'),
    lash: shape('-9.8,3.2! -6,-5.4 1,-9 7.6,-7 13,-6.6! 10.4,-3.4 9.4,0.2! 6,-4 0.8,-5.8 -4.6,-3.4'),
    crease: curve('-4,-10.8 1.6,-12 7,-10.4'),
    under: curve('2,7.6 5.6,6.6 8,3.6'),
    iris: [5.6, 6.9, -0.2],
  },
  droopy: {
    open: shape('-8,0! -5.4,-5.8 0,-7.6 5.6,-5.2 8.6,2.4! 6,6.4 0.4,7.8 -5.4,5.8'),
    lash: shape('-9,0.4! -6.4,-6.8 -0.4,-9.7 6.2,-7 10.8,3.4! 9,3.6! 5,-3.6 0,-6.6 -5,-4.4'),
    crease: curve('-5,-11.4 0.6,-12.8 6,-10.4'),
    under: curve('0.5,8.6 4.6,7.8 7,6'),
    iris: [5.8, 7.2, 0.4],
  },
  sharp: {
    open: shape('-8.4,3! -6,-3.6 0,-6.6 8.8,-4.6! 8,1.6 3.4,6 -3.6,6.4'),
    lash: shape('-9.6,3.6! -6.8,-4.6 0,-8.9 8,-7.8 12.6,-8.4! 10.2,-4.6 9.6,-2.4! 6,-4.4 0,-5.6 -5.8,-2.6'),
    crease: curve('-4,-10.6 2,-11.6 7,-10.8'),
    under: curve('1,7.2 5,6 8,2.4'),
    iris: [5.4, 6.7, -0.4],
  },
  sleepy: {
    open: shape('-8.2,-1.2! 0,-2.4 8.4,-1.2! 7.4,4 3.8,7.2 -1,7.8 -5.8,5.6'),
    lash: shape('-9.6,-0.6! -5,-4 0.6,-4.9 6,-4.2 10.6,-1! 5,-1.6 0,-2 -5,-1.4'),
    crease: curve('-6.6,-7 0,-9.2 6.8,-7.2'),
    under: curve('0.5,8.8 4.4,8 7,5.4'),
    iris: [5.8, 7.2, 0.2],
  },
} satisfies Record<string, Lid>

/** An eye, by the way it opens. */
export type EyeStyle = keyof typeof lids | 'dot' | 'happy' | 'resting'

/** Where eyes look, added to the iris. */
export type Gaze = readonly [x: number, y: number]

function openEye(
  { open, lash, crease, under, iris: [rx, ry, y] }: Lid,
  iris: Iris,
  skin: Skin,
  clip: string,
  flip: 1 | -1,
  [gx, gy]: Gaze,
) {
  const turned = flip === 1 ? '' : ' transform="scale(-1 1)"'
  const [cx, cy] = [gx, y + gy]
  return (
    `<clipPath id="${clip}"><path d="${open}"${turned}/></clipPath>` +
    `<g${turned}>${fill(open, EYE_WHITE)}</g>` +
    `<g clip-path="url(#${clip})"><ellipse cx="${cx}" cy="${cy}" rx="${rx}" ry="${ry}" fill="${iris.dark}"/>` +
    `<ellipse cx="${cx}" cy="${cy + 1.6}" rx="${rx - 1.1}" ry="${ry - 2.2}" fill="${iris.base}"/>` +
    `<ellipse cx="${cx}" cy="${cy + ry - 3.2}" rx="${rx - 2.4}" ry="2" fill="${iris.light}"/>` +
    `<ellipse cx="${cx}" cy="${cy - 0.4}" rx="2.5" ry="3.3" fill="${INK}"/></g>` +
    `<g${turned}>${fill(lash, INK)}${stroke(under, skin.line, 1.2)}${stroke(crease, skin.line, 1)}</g>` +
    fill(circle(cx - 2.3, cy - 2.9, 2.2) + circle(cx + 2.5, cy + 3, 1.1), '#fff')
  )
}

function closedEye(d: string, lashes: string, flip: 1 | -1) {
  const drawing = stroke(d, INK, 2.6) + stroke(lashes, INK, 1.6)
  return flip === 1 ? drawing : `<g transform="scale(-1 1)">${drawing}</g>`
}

function eye(style: EyeStyle, iris: Iris, skin: Skin, flip: 1 | -1, gaze: Gaze): string {
  if (style === 'happy') return closedEye(curve('-7.6,3 -4,-2.6 0.4,-4 4.8,-2.6 8.2,3'), 'M8.2 3L10.4 1.2', flip)
  if (style === 'resting')
    return closedEye(curve('-7.8,0 -3.6,4.2 0.4,5 4.6,4 8.4,-0.4'), 'M6.4 3L8.6 5M8.4 -0.4L10.8 0.8', flip)
  if (style === 'dot')
    return `<ellipse cy="0.6" rx="4.1" ry="5.6" fill="${INK}"/>${fill(circle(-1.4, -1.9, 1.6), '#fff')}`
  return openEye(lids[style], iris, skin, flip === 1 ? 'r' : 'l', flip, gaze)
}

/** Where the eyes are. */
export const EYES = { x: 16, y: 70 }

export const eyes = (left: EyeStyle, right: EyeStyle, iris: Iris, skin: Skin, gaze: Gaze) =>
  moved(64 - EYES.x, EYES.y, eye(left, iris, skin, -1, gaze)) +
  moved(64 + EYES.x, EYES.y, eye(right, iris, skin, 1, gaze))

/** Eyebrows: their middle line about (0,0), drawn 15 above the eye. */
export const brows = {
  soft: [curve('-6.4,1 0,-1.8 6.6,0.6'), 2.2],
  arched: [curve('-6.4,2 0.6,-2.4 7,1'), 1.7],
  bold: [curve('-6.6,0.4 0,-1.6 6.8,-0.2'), 3.4],
  worried: [curve('-6,-1.6 0.4,-0.8 6.6,2.2'), 2.1],
  keen: [curve('-6.6,2.6 0,0.4 7,-1.8'), 2.3],
  short: [curve('-2.6,-0.4 0.4,-1 3.4,-0.2'), 3],
} as const
