/** Charts as SVG: lines over images, and histograms. They hold no styles of their own, so that a strict page may show them. */
import { type Content, html, type Markup } from '../../html/markup.ts'

export type Series = { name: string; points: readonly (readonly [x: number, y: number])[] }

export type Chart = {
  title: string
  /** What it shows, for those who cannot see it. */
  description: string
  series: readonly Series[]
  /** How a value is written at the axis. */
  format?: (value: number) => string
  /** Values grow by factors, as losses do. */
  logarithmic?: boolean
}

const WIDTH = 420
const HEIGHT = 230
const [LEFT, RIGHT, TOP, BOTTOM] = [50, 10, 10, 26]
/** Points beyond these are averaged: more than pixels show. */
const MAX_POINTS = 300

/** Three to six round numbers from low to high. */
export function ticksOf(low: number, high: number): number[] {
  if (low === high) return [low]
  const rough = (high - low) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!
  const ticks: number[] = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    ticks.push(Number((i * step).toPrecision(12)))
  return ticks
}

export function short(value: number): string {
  const size = Math.abs(value)
  for (const [unit, name] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const)
    if (size >= unit) return `${Number((value / unit).toPrecision(3))}${name}`
  return String(Number(value.toPrecision(3)))
}

/** Neighbouring points averaged until they are few enough. */
export function thinned(points: Series['points']): Series['points'] {
  if (points.length <= MAX_POINTS) return points
  const group = Math.ceil(points.length / MAX_POINTS)
  const means: [number, number][] = []
  for (let i = 0; i < points.length; i += group) {
    const some = points.slice(i, i + group)
    means.push([some.at(-1)![0], some.reduce((sum, [, y]) => sum + y, 0) / some.length])
  }
  return means
}

type Axis = { low: number; high: number; place: (value: number) => number; ticks: number[] }

function axisOf(values: readonly number[], from: number, to: number, logarithmic = false): Axis {
  const map = logarithmic ? Math.log10 : (value: number) => value
  const mapped = values.map(map)
  let [low, high] = [mapped.reduce((a, b) => Math.min(a, b)), mapped.reduce((a, b) => Math.max(a, b))]
  if (low === high && low === 0 && !logarithmic) high = 1
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2]
  const ticks = logarithmic ? ticksOf(10 ** low, 10 ** high) : ticksOf(low, high)
  return { low, high, ticks, place: (value) => from + ((map(value) - low) / (high - low)) * (to - from) }
}

const at = (value: number): string => value.toFixed(1)

function frame(
  title: string,
  description: string,
  x: Axis,
  y: Axis | null,
  format: (value: number) => string,
  marks: Content,
): Markup {
  const xTicks = x.ticks.map(
    (tick) =>
      html`<text class="tick" x="${at(x.place(tick))}" y="${HEIGHT - 8}" text-anchor="middle">${short(tick)}</text>`,
  )
  const yTicks = (y?.ticks ?? []).map((tick) => {
    const height = at(y!.place(tick))
    return html`<line class="rule" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${height}" y2="${height}"/><text class="tick" x="${LEFT - 6}" y="${at(y!.place(tick) + 4)}" text-anchor="end">${format(tick)}</text>`
  })
  return html`<svg class="chart" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}: ${description}">${yTicks}<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}"/>${xTicks}${marks}</svg>`
}

const legend = (names: readonly string[]): Content =>
  names.length > 1 &&
  html`<ul class="legend">${names.map((name, i) => html`<li><span class="key s${i % 5}"></span>${name}</li>`)}</ul>`

/** Lines; x is images. Null where there are fewer than two points in all. */
export function lineChart({ title, description, series, format = short, logarithmic = false }: Chart): Markup | null {
  const drawn = series
    .map(({ name, points }) => ({
      name,
      points: thinned(points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y) && (!logarithmic || y > 0))),
    }))
    .filter(({ points }) => points.length > 0)
  const all = drawn.flatMap(({ points }) => points)
  if (all.length < 2) return null
  const x = axisOf(
    all.map(([value]) => value),
    LEFT,
    WIDTH - RIGHT,
  )
  const y = axisOf(
    all.map(([, value]) => value),
    HEIGHT - BOTTOM,
    TOP,
    logarithmic,
  )
  const lines = drawn.map(({ points }, i) =>
    points.length === 1
      ? html`<circle class="dot s${i % 5}" cx="${at(x.place(points[0]![0]))}" cy="${at(y.place(points[0]![1]))}" r="3"/>`
      : html`<polyline class="line s${i % 5}" points="${points.map(([px, py]) => `${at(x.place(px))},${at(y.place(py))}`).join(' ')}"/>`,
  )
  return html`<figure><figcaption>${title}</figcaption>${frame(title, description, x, y, format, lines)}${legend(drawn.map(({ name }) => name))}</figure>`
}

const BINS = 24

/** How often values occur in each of two sets, as shares of each. */
export function histogram(
  title: string,
  description: string,
  sets: readonly { name: string; values: ArrayLike<number> }[],
): Markup | null {
  const lists = sets.map(({ name, values }) => ({ name, values: Array.from(values).filter(Number.isFinite) }))
  const all = lists.flatMap(({ values }) => values)
  if (all.length < 2) return null
  const high = all.reduce((a, b) => Math.max(a, b)) || 1
  const x = axisOf([0, high], LEFT, WIDTH - RIGHT)
  const shares = lists.map(({ values }) => {
    const bins = new Array<number>(BINS).fill(0)
    for (const value of values) bins[Math.min(BINS - 1, Math.floor((value / high) * BINS))]! += 1 / values.length
    return bins
  })
  const y = axisOf([0, ...shares.flat()], HEIGHT - BOTTOM, TOP)
  const width = (WIDTH - LEFT - RIGHT) / BINS
  const bars = shares.flatMap((bins, set) =>
    bins.map((share, bin) => {
      const top = y.place(share)
      return share === 0
        ? null
        : html`<rect class="bar s${set}" x="${at(LEFT + bin * width)}" y="${at(top)}" width="${at(width - 0.5)}" height="${at(HEIGHT - BOTTOM - top)}"/>`
    }),
  )
  const percent = (share: number) => `${Number((100 * share).toPrecision(3))}%`
  return html`<figure><figcaption>${title}</figcaption>${frame(title, description, x, y, percent, bars)}${legend(lists.map(({ name }) => name))}</figure>`
}

/** A share between 0 and 1 as a bar with its interval. */
export function shareBar(value: number, low: number, high: number): Markup {
  const place = (share: number) => at(4 + Math.min(1, Math.max(0, share)) * 192)
  return html`<svg class="share" viewBox="0 0 200 14" aria-hidden="true"><line class="rule" x1="4" x2="196" y1="7" y2="7"/><line class="range" x1="${place(low)}" x2="${place(high)}" y1="7" y2="7"/><circle class="mark" cx="${place(value)}" cy="7" r="5"/></svg>`
}
