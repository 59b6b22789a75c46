// A row of results: what was done, by whom, and how long it took.
export function middle(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

export const row = (work, who, values, unit = 'ms') => ({
  work,
  who,
  median: middle(values),
  min: Math.min(...values),
  rounds: values.length,
  unit,
})
