/** The curves: one chart for each kind, by uPlot, with a second run laid over as dashed lines. */
import { formatBytes, formatCount, formatShort, make } from './format.mjs'
import { known } from './state.mjs'

/** @import uPlotType from 'uplot' */
/** @import { CurveKind, CurveSeries } from '../../run/curves.ts' */

/** @typedef {{ title: string, note: string, format: (value: number) => string, log: boolean }} Panel */

/** @param {number} value */
const percent = (value) => `${Number((100 * value).toPrecision(3))} %`

/** @type {Record<CurveKind, Panel>} */
const panels = {
  loss: {
    title: 'Loss',
    note: 'Lower is better for diffusion. For a GAN it says little: look at the samples.',
    format: formatShort,
    log: true,
  },
  heldOut: {
    title: 'Held-out loss minus training loss',
    note: 'Near 0 is good. Where it grows, the network learns its pictures by heart.',
    format: formatShort,
    log: false,
  },
  copies: {
    title: 'Copy share',
    note: 'Samples that are a training picture again. Compare it with the held-out pictures, which are no copies.',
    format: percent,
    log: false,
  },
  speed: { title: 'Images per second', note: 'How fast it trains.', format: formatShort, log: false },
  memory: { title: 'Memory', note: 'Main memory that the process has in use.', format: formatBytes, log: false },
  other: {
    title: 'Other measures',
    note: 'What this kind of model measures beside its losses.',
    format: formatShort,
    log: false,
  },
}

/**
 * Shares begin at 0, and nothing but zeros is no reason to enlarge them.
 * @param {unknown} _
 * @param {number} __
 * @param {number} high
 * @returns {[number, number]}
 */
const shareRange = (_, __, high) => [0, Math.min(1, Math.max(0.05, 1.1 * high))]

const HEIGHT = 220
const COLOURS = 5

/** @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** @typedef {{ label: string, dashed: boolean, series: CurveSeries, colour: string }} Line */

/**
 * Lines of a panel: of the run, then of the one laid over it, equal names in equal colours.
 * @param {CurveKind} kind
 * @param {string} run
 * @param {string | null} other
 * @returns {Line[]}
 */
function linesOf(kind, run, other) {
  /** @type {Line[]} */
  const lines = []
  /** @type {string[]} */
  const names = []
  for (const [of, dashed] of /** @type {[string | null, boolean][]} */ ([
    [run, false],
    [other, true],
  ])) {
    if (of === null) continue
    for (const series of known.curves.get(of)?.series.values() ?? []) {
      if (series.kind !== kind || series.images.length === 0) continue
      if (!names.includes(series.name)) names.push(series.name)
      const label = other === null ? series.name : `${series.name}, ${of}`
      lines.push({ label, dashed, series, colour: colour(`--s${names.indexOf(series.name) % COLOURS}`) })
    }
  }
  return lines
}

/** One chart and its list of names and values. */
class Chart {
  /** @type {CurveKind} */
  #kind
  #panel
  /** @type {uPlotType | undefined} */
  #plot
  #shape = ''
  #canvas = make('div', { class: 'canvas', role: 'img' })
  #legend = make('ul', { class: 'legend' })
  #log = make('input', { type: 'checkbox' })
  /** @type {Line[]} */
  #lines = []
  element

  /** @param {CurveKind} kind */
  constructor(kind) {
    this.#kind = kind
    this.#panel = panels[kind]
    const { title, note, log } = this.#panel
    this.#log.checked = log
    this.#log.addEventListener('change', () => this.#draw())
    this.element = make(
      'figure',
      {},
      make('figcaption', {}, title, make('label', { class: 'log' }, this.#log, ' log scale')),
      make('p', { class: 'note' }, note),
      this.#canvas,
      this.#legend,
    )
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#canvas.clientWidth, height: HEIGHT })).observe(
      this.#canvas,
    )
  }

  /**
   * @param {string} run
   * @param {string | null} other
   */
  show(run, other) {
    this.#lines = linesOf(this.#kind, run, other)
    this.element.hidden = this.#lines.length === 0
    if (!this.element.hidden) this.#draw()
  }

  /** Colours are those of the theme at hand. */
  repaint() {
    this.#shape = ''
  }

  #draw() {
    const isLog = this.#log.checked
    const tables = this.#lines.map(({ series: { images, values } }) => [
      images,
      isLog ? values.map((value) => (value > 0 ? value : null)) : values,
    ])
    const data = /** @type {uPlotType.AlignedData} */ (uPlot.join(/** @type {uPlotType.AlignedData[]} */ (tables)))
    const shape = JSON.stringify([isLog, this.#lines.map(({ label, dashed }) => [label, dashed])])
    if (shape === this.#shape) this.#plot?.setData(data)
    else {
      this.#plot?.destroy()
      this.#plot = new uPlot(this.#options(isLog), data, this.#canvas)
      this.#shape = shape
    }
    this.#tell(null)
  }

  /**
   * @param {boolean} isLog
   * @returns {uPlotType.Options}
   */
  #options(isLog) {
    const [soft, line] = [colour('--soft'), colour('--line')]
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
    const { format } = this.#panel
    return {
      width: Math.max(200, this.#canvas.clientWidth),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false },
      scales: { x: { time: false }, y: isLog ? { distr: 3 } : this.#kind === 'copies' ? { range: shareRange } : {} },
      axes: [
        { ...axis, values: (_, ticks) => ticks.map(formatShort) },
        { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : format(tick))) },
      ],
      series: [
        {},
        ...this.#lines.map(({ label, dashed, colour: stroke, series }) => ({
          label,
          stroke,
          width: 2,
          spanGaps: true,
          points: { show: series.images.length < 3 },
          ...(dashed && { dash: [6, 4] }),
        })),
      ],
      hooks: { setCursor: [({ cursor: { idx } }) => this.#tell(idx ?? null)] },
    }
  }

  /**
   * The values under the cursor, or the newest.
   * @param {number | null} index
   */
  #tell(index) {
    const { format } = this.#panel
    const rows = this.#lines.map(({ label, dashed, colour: stroke, series }, i) => {
      const column = this.#plot?.data[i + 1]
      const under = index === null ? null : column?.[index]
      const value = under ?? series.values.at(-1) ?? 0
      const key = make('span', { class: dashed ? 'key dashed' : 'key' })
      key.style.background = dashed ? `repeating-linear-gradient(90deg, ${stroke} 0 3px, transparent 3px 5px)` : stroke
      return make('li', {}, key, `${label} `, make('b', {}, format(value)))
    })
    const at = index === null ? undefined : this.#plot?.data[0][index]
    if (at !== undefined) rows.push(make('li', {}, `at ${formatCount(at)} images`))
    this.#legend.replaceChildren(...rows)
    const newest = this.#lines.map(({ label, series }) => `${label} ${format(series.values.at(-1) ?? 0)}`)
    this.#canvas.setAttribute('aria-label', `${this.#panel.title} over images; newest: ${newest.join(', ')}`)
  }
}

/** All charts, in their order. */
export class Charts {
  #charts = /** @type {CurveKind[]} */ (Object.keys(panels)).map((kind) => new Chart(kind))
  #waiting = false
  #args = /** @type {[string, string | null] | undefined} */ (undefined)
  element

  constructor() {
    this.element = make(
      'div',
      { class: 'charts' },
      this.#charts.map(({ element }) => element),
    )
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#charts) chart.repaint()
      if (this.#args) this.show(...this.#args)
    })
  }

  /**
   * Draws once for all that came until the browser paints.
   * @param {string} run
   * @param {string | null} other
   */
  show(run, other) {
    this.#args = [run, other]
    if (this.#waiting) return
    this.#waiting = true
    requestAnimationFrame(() => {
      this.#waiting = false
      if (this.#args) for (const chart of this.#charts) chart.show(...this.#args)
    })
  }
}
