/** The long forms of tests, and the counts that docs/reliability.md is made of. */
import { appendFileSync } from 'node:fs'

/** Set by `npm run durability`; `npm test` runs the short forms. */
const isLong = process.env.SHINSAKU_LONG === '1'

/** How often something is tried. */
export const times = (short: number, long: number): number => (isLong ? long : short)

/** Puts a row of docs/reliability.md on record, in a long run; `passed` is what the test has seen to hold. */
export function tally(what: string, tried: number, passed: number): void {
  const path = process.env.SHINSAKU_TALLY
  if (path) appendFileSync(path, `${JSON.stringify({ what, tried, passed })}\n`)
}
