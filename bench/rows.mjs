// A row of results: what was done, by whom, and how long it took; its figures as text, and rows as a table for the terminal.

/**
 * `memory` is in MiB by the driver's count, `reserved` in bytes by PyTorch's, `ready` in ms from the start of the process.
 * @typedef {{ work: string, who: string, median: number, min: number, rounds: number, unit: string, cpu?: number,
 *   date?: string, precision?: string, gflop?: number, peak?: number }} Row
 * @typedef {{ batch?: number, steps?: number, memory?: number | null, reserved?: number | null, ready?: number,
 *   clocks?: string | null, problem?: string }} CudaFacts
 * @typedef {Row & CudaFacts} AnyRow
 * @typedef {CudaFacts & { work: string, who: string, problem: string, date?: string, median?: undefined }} FailedRow
 */

/** @param {number[]} numbers */
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[half - 1] ?? Number.NaN, sorted[half] ?? Number.NaN]
  return sorted.length % 2 === 1 ? high : (low + high) / 2
}

/**
 * @param {string} work
 * @param {string} who
 * @param {number[]} values
 * @returns {Row}
 */
export const row = (work, who, values, unit = 'ms') => ({
  work,
  who,
  median: median(values),
  min: Math.min(...values),
  rounds: values.length,
  unit,
})

/** @param {number} value */
export const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))

/** @param {{ who: string }} row */
export const isOwn = ({ who }) => who.startsWith('shinsaku')

/**
 * The row that the others of a work are compared with: shinsaku as it chooses, or else the fastest of its own.
 * @template {{ work: string, who: string, median?: number }} R
 * @param {string} work
 * @param {readonly R[]} rows
 * @returns {R | undefined}
 */
function baseOf(work, rows) {
  const own = rows.filter((row) => row.work === work && isOwn(row) && row.median !== undefined)
  const byTime = [...own].sort((a, b) => (a.median ?? 0) - (b.median ?? 0))
  return own.find(({ who }) => who === 'shinsaku') ?? byTime[0]
}

/**
 * How many times as long as shinsaku the other took, by medians and by minima.
 * @param {AnyRow} row
 * @param {readonly AnyRow[]} rows
 */
export function ratios(row, rows) {
  const base = baseOf(row.work, rows)
  if (!base || row.who === base.who) return undefined
  return { median: row.median / base.median, min: row.min / base.min }
}

/**
 * @param {AnyRow | FailedRow} row
 * @param {readonly AnyRow[]} rows
 */
function line(row, rows) {
  const head = `  ${row.who.padEnd(row.who.length > 16 ? 24 : 16)} `
  if (row.median === undefined) return `${head}${row.problem}`
  const than = ratios(row, rows)
  const ratio = than ? `  ${than.median.toFixed(2)}x (minima ${than.min.toFixed(2)}x)` : ''
  const cpu = row.cpu === undefined ? '' : `, CPU ${digits(row.cpu)}`
  const memory = row.memory ? `, ${row.memory} MiB` : ''
  const floor = row.gflop && row.peak ? `, ${digits(row.gflop)} GFLOP at ${digits(row.peak)} GFLOP/s` : ''
  return `${head}${digits(row.median).padStart(8)} ${row.unit}, min ${digits(row.min)}${cpu}${memory}${floor}${ratio}`
}

/** @param {readonly (AnyRow | FailedRow)[]} rows */
export const measured = (rows) => /** @type {AnyRow[]} */ (rows.filter((row) => row.median !== undefined))

/**
 * One block for each work.
 * @param {readonly (AnyRow | FailedRow)[]} rows
 */
export function table(rows) {
  const works = [...new Set(rows.map(({ work }) => work))]
  const lines = works.flatMap((work) => [
    work,
    ...rows.filter((row) => row.work === work).map((row) => line(row, measured(rows))),
  ])
  return lines.join('\n')
}
