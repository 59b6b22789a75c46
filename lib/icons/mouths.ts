/** Mouths. */
import { MOUTH_INSIDE, type Skin, TONGUE } from './palette.ts'
import { curve, fill, shape, stroke } from './svg.ts'

/** An open mouth: the cavity, and what is seen in it. */
function open(cavity: string, inside: string, skin: Skin): string {
  return (
    `<clipPath id="m"><path d="${cavity}"/></clipPath>${fill(cavity, MOUTH_INSIDE)}` +
    `<g clip-path="url(#m)">${inside}</g>${stroke(cavity, skin.line, 1.6)}`
  )
}

const tongue = fill(shape('56,92.5 64,89 72,92.5 72,100 56,100'), TONGUE)
const teeth = fill('M50 80H78V85.8H50Z', '#fff')

export const mouths = {
  smile: (skin: Skin) => stroke(curve('58.4,85.6 64,89 69.6,85.6'), skin.line, 2),
  gentle: (skin: Skin) => stroke(curve('60.2,86.4 64,88.2 67.8,86.4'), skin.line, 2),
  smirk: (skin: Skin) => stroke(curve('59.4,87.4 64.6,88.2 69.4,84.6'), skin.line, 2),
  open: (skin: Skin) => open(shape('56.6,84.4! 64,85.8 71.4,84.4! 70.2,90 64,93.2 57.8,90'), tongue, skin),
  grin: (skin: Skin) => open(shape('55.8,83.8! 64,85 72.2,83.8! 70.4,89.6 64,92.4 57.6,89.6'), teeth + tongue, skin),
  little: (skin: Skin) => open(shape('60.8,85.6! 64,86.2 67.2,85.6! 66.6,89 64,90.4 61.4,89'), tongue, skin),
  surprised: (skin: Skin) => open(shape('64,84.6 66.8,87.4 64,91 61.2,87.4'), tongue, skin),
  cat: (skin: Skin) => stroke(`${curve('57,85 60,88.2 64,85.6!')}${curve('64,85.6 68,88.2 71,85')}`, skin.line, 1.9),
  pout: (skin: Skin) => stroke(curve('60.4,88.4 64,86 67.6,88.4'), skin.line, 2),
  flat: (skin: Skin) => stroke('M60.6 87H67.4', skin.line, 2),
  lips: (skin: Skin) =>
    fill(shape('58.4,86.6! 61.8,84.8 64,85.6 66.2,84.8 69.6,86.6! 67.4,89.6 64,90.6 60.6,89.6'), skin.lip) +
    stroke(curve('58.4,86.6 64,87.4 69.6,86.6'), skin.line, 1.2),
  tongue: (skin: Skin) =>
    fill(shape('63.4,87.6! 69,86.8! 69,90.6 66.4,92.6 63.8,90.8'), TONGUE) +
    stroke(shape('63.4,87.6! 69,86.8! 69,90.6 66.4,92.6 63.8,90.8'), skin.line, 1.3) +
    stroke(curve('57.8,85.6 64,88.4 70.2,85.6'), skin.line, 2),
}
