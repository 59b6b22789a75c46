// The chart and the table of docs/samplers.md, made from its data.

/**
 * @typedef {{ sampler: string, steps: number, rmse: number[] }} SamplerRow
 * @typedef {{ model: { size: number, [fact: string]: unknown }, reference: string, seeds: number[], rows: SamplerRow[] }} SamplerData
 */

const WIDTH = 760
const HEIGHT = 440
const PLOT = { left: 64, right: 640, top: 40, bottom: 384 }
/** @type {Record<string, string>} */
const COLOURS = { unipc: '#0b6e4f', 'dpmpp-3m': '#c05621', 'dpmpp-2m': '#b7791f', ipndm: '#2b6cb0', ddim: '#718096' }

const stepsOf = (/** @type {SamplerRow[]} */ rows) => [...new Set(rows.map(({ steps }) => steps))].sort((a, b) => a - b)
const samplersOf = (/** @type {SamplerRow[]} */ rows) => [...new Set(rows.map(({ sampler }) => sampler))]
/** Over all pictures: the root of the mean of their squares. @param {SamplerRow} row */
const rms = ({ rmse }) => Math.sqrt(rmse.reduce((sum, value) => sum + value ** 2, 0) / rmse.length)

/**
 * @param {SamplerRow[]} rows
 * @param {string} sampler
 * @param {number | undefined} steps
 */
function at(rows, sampler, steps) {
  const found = rows.find((row) => row.sampler === sampler && row.steps === steps)
  return { rmse: found ? rms(found) : Number.NaN }
}

/** Both axes are logarithmic. @param {SamplerData} data */
export function samplerChart({ rows, seeds, reference, model }) {
  const steps = stepsOf(rows)
  const values = rows.map(rms)
  const low = 10 ** Math.floor(Math.log10(Math.min(...values)))
  const high = 10 ** Math.ceil(Math.log10(Math.max(...values)))
  /** @type {(value: number, from: number, to: number, begin: number, end: number) => number} */
  const scale = (value, from, to, begin, end) =>
    begin + ((Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))) * (end - begin)
  const [fewest = 1, most = 1] = [steps[0], steps.at(-1)]
  const x = (/** @type {number} */ value) => scale(value, fewest, most, PLOT.left, PLOT.right).toFixed(1)
  const y = (/** @type {number} */ value) => scale(value, low, high, PLOT.bottom, PLOT.top).toFixed(1)
  const ticks = []
  for (let decade = low; decade < high * 1.001; decade *= 10)
    for (const factor of [1, 2, 5]) if (decade * factor <= high * 1.001) ticks.push(decade * factor)
  const lines = [
    ...ticks.map(
      (tick) =>
        `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${y(tick)}" y2="${y(tick)}" stroke="#e2e8f0"/><text x="${PLOT.left - 8}" y="${y(tick)}" text-anchor="end" dominant-baseline="middle">${Number(tick.toPrecision(1))}</text>`,
    ),
    ...steps.map(
      (step) =>
        `<line x1="${x(step)}" x2="${x(step)}" y1="${PLOT.bottom}" y2="${PLOT.bottom + 5}" stroke="#4a5568"/><text x="${x(step)}" y="${PLOT.bottom + 20}" text-anchor="middle">${step}</text>`,
    ),
  ]
  // Names beside the ends of their lines, kept apart.
  const names = samplersOf(rows)
    .map((sampler) => ({ sampler, place: Number(y(at(rows, sampler, steps.at(-1)).rmse)) }))
    .sort((a, b) => a.place - b.place)
  for (const [i, name] of names.entries()) name.place = Math.max(name.place, (names[i - 1]?.place ?? -16) + 16)
  for (const { sampler, place } of names) {
    const points = steps.map((step) => `${x(step)},${y(at(rows, sampler, step).rmse)}`)
    lines.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${COLOURS[sampler]}" stroke-width="2"/>`,
      ...points.map(
        (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3" fill="${COLOURS[sampler]}"/>`,
      ),
      `<text x="${PLOT.right + 10}" y="${place}" fill="${COLOURS[sampler]}" dominant-baseline="middle">${sampler}</text>`,
    )
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#1a202c">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<text x="${PLOT.left}" y="22" font-size="14">Distance to ${reference} (RMSE in [-1, 1]; ${seeds.length} pictures of ${model.size} px)</text>
${lines.join('\n')}
<text x="${(PLOT.left + PLOT.right) / 2}" y="${HEIGHT - 14}" text-anchor="middle">evaluations of the network</text>
</svg>
`
}

/** Distances by sampler and steps; the nearest of each column is bold. @param {SamplerData} data */
export function samplerTable({ rows }) {
  const steps = stepsOf(rows)
  const line = (/** @type {(string | number)[]} */ cells) => `| ${cells.join(' | ')} |`
  const body = samplersOf(rows).map((sampler) => {
    const cells = steps.map((step) => {
      const best = Math.min(...rows.filter((row) => row.steps === step).map(rms))
      const { rmse } = at(rows, sampler, step)
      return rmse === best ? `**${rmse.toFixed(3)}**` : rmse.toFixed(3)
    })
    return line([`\`${sampler}\``, ...cells])
  })
  return [line(['steps', ...steps]), line(['---', ...steps.map(() => '---:')]), ...body].join('\n')
}
