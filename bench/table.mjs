// OptionSpecs as text: medians, minima and ratios to shinsaku, one block for each work.
export const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2))

/** How many times as long as shinsaku the other took, by medians and by minima. */
export function ratios(row, rows) {
  const base = rows.find(({ work, who }) => work === row.work && who === 'shinsaku')
  if (!base || row.who === base.who) return undefined
  return { median: row.median / base.median, min: row.min / base.min }
}

export function table(rows) {
  const works = [...new Set(rows.map(({ work }) => work))]
  const lines = works.flatMap((work) => [
    work,
    ...rows
      .filter((row) => row.work === work)
      .map((row) => {
        const than = ratios(row, rows)
        const ratio = than ? `  ${than.median.toFixed(2)}x (minima ${than.min.toFixed(2)}x)` : ''
        const cpu = row.cpu === undefined ? '' : `, CPU ${digits(row.cpu)}`
        const floor = row.gflop ? `, ${digits(row.gflop)} GFLOP at ${digits(row.peak)} GFLOP/s` : ''
        return `  ${row.who.padEnd(16)} ${digits(row.median).padStart(8)} ${row.unit}, min ${digits(row.min)}${cpu}${floor}${ratio}`
      }),
  ])
  return lines.join('\n')
}
