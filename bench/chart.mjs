// The chart of docs/benchmarks.md: for each work, how many times as long as shinsaku the others took.
import { HELD } from './cases.mjs'
import { ratios } from './rows.mjs'

/** @import { Row } from './rows.mjs' */

const WIDTH = 760
const LEFT = 250
const RIGHT = 700
const BAR = 13
/** @type {Record<string, string>} */
const COLOURS = {
  eager: '#718096',
  channels_last: '#2b6cb0',
  compile: '#b7791f',
  freezing: '#c05621',
  onnxruntime: '#6b46c1',
  openvino: '#b83280',
}
const SHOWN = /^(forward|training step|drawing)/

/** @param {Row[]} rows */
export function chart(rows) {
  const ratioOf = (/** @type {Row} */ row) => ratios(row, rows)?.median ?? 1
  const peers = rows.filter(
    ({ who, work }) =>
      COLOURS[who] &&
      SHOWN.test(work) &&
      !HELD.test(work) &&
      rows.some((row) => row.work === work && row.who === 'shinsaku'),
  )
  const works = [...new Set(peers.map(({ work }) => work))]
  const most = Math.ceil(Math.max(1, ...peers.map((row) => ratioOf(row))) + 0.2)
  const x = (/** @type {number} */ ratio) => LEFT + (ratio / most) * (RIGHT - LEFT)
  const parts = []
  let y = 64
  for (const work of works) {
    const here = peers.filter((row) => row.work === work)
    parts.push(
      `<text x="${LEFT - 12}" y="${y + (here.length * BAR) / 2}" text-anchor="end" dominant-baseline="middle">${work}</text>`,
    )
    for (const row of here) {
      const ratio = ratioOf(row)
      parts.push(
        `<rect x="${LEFT}" y="${y}" width="${(x(ratio) - LEFT).toFixed(1)}" height="${BAR - 2}" fill="${COLOURS[row.who]}"/>`,
        `<text x="${(x(ratio) + 4).toFixed(1)}" y="${y + BAR / 2}" font-size="10" dominant-baseline="middle">${ratio.toFixed(2)}</text>`,
      )
      y += BAR
    }
    y += 12
  }
  const ticks = Array.from({ length: most + 1 }, (_, tick) => tick).map(
    (tick) =>
      `<line x1="${x(tick)}" x2="${x(tick)}" y1="56" y2="${y}" stroke="${tick === 1 ? '#1a202c' : '#e2e8f0'}"/><text x="${x(tick)}" y="${y + 16}" text-anchor="middle">${tick}</text>`,
  )
  const shown = Object.entries(COLOURS).filter(([who]) => peers.some((row) => row.who === who))
  const legend = shown.map(
    ([who, colour], i) =>
      `<rect x="${150 + i * 98}" y="34" width="10" height="10" fill="${colour}"/><text x="${164 + i * 98}" y="43">${who}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 30}" font-family="system-ui, sans-serif" font-size="11" fill="#1a202c">
<rect width="${WIDTH}" height="${y + 30}" fill="#ffffff"/>
<text x="20" y="22" font-size="14">Time as a multiple of shinsaku's (the line at 1); medians</text>
${[...legend, ...ticks, ...parts].join('\n')}
</svg>
`
}
