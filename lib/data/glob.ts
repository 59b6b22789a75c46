/** Patterns for paths: `?` one character, `*` any within a name, `**` any number of folders; all else is literal. */

type Matcher<P, T> = { isStar: (pattern: P) => boolean; matches: (pattern: P, text: T) => boolean }

/** Goes back to the newest star only, so the time is at most pattern times text, whatever they are. */
function wildcard<P, T>(pattern: readonly P[], text: readonly T[], { isStar, matches }: Matcher<P, T>): boolean {
  let p = 0
  let t = 0
  let afterStar = -1
  let taken = 0
  while (t < text.length) {
    if (p < pattern.length && isStar(pattern[p]!)) {
      p += 1
      afterStar = p
      taken = t
    } else if (p < pattern.length && matches(pattern[p]!, text[t]!)) {
      p += 1
      t += 1
    } else if (afterStar >= 0) {
      taken += 1
      t = taken
      p = afterStar
    } else return false
  }
  while (p < pattern.length && isStar(pattern[p]!)) p += 1
  return p === pattern.length
}

const characters: Matcher<string, string> = { isStar: (p) => p === '*', matches: (p, t) => p === '?' || p === t }
const names: Matcher<string, string> = {
  isStar: (p) => p === '**',
  matches: (p, t) => wildcard([...p], [...t], characters),
}

/** Whether a pattern has signs that stand for more than themselves. */
export const isGlob = (pattern: string): boolean => /[*?]/.test(pattern)

/** Whether a path with `/` between its names fits the pattern as a whole. */
export const matchesGlob = (path: string, pattern: string): boolean =>
  wildcard(pattern.split('/'), path.split('/'), names)
