/** Finds the known name nearest to a misspelt one. */

function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = a[i - 1] === b[j - 1] ? 0 : 1
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, previous[j - 1]! + swap)
    }
    previous = current
  }
  return previous[b.length]!
}

/** Longer words are no misspelt option, and comparing them takes time. */
const MAX_CHARACTERS = 60

/** The name closest to `given`, or undefined where none is close. */
export function nearest(given: string, known: readonly string[]): string | undefined {
  if (given.length > MAX_CHARACTERS) return undefined
  const plain = (name: string) => name.toLowerCase().replace(/[-_]/g, '')
  const ranked = known
    .map((name) => ({ name, d: plain(name) === plain(given) ? 0 : distance(plain(given), plain(name)) }))
    .sort((x, y) => x.d - y.d)
  const best = ranked[0]
  return best && best.d <= Math.max(1, Math.floor(given.length / 3)) ? best.name : undefined
}
