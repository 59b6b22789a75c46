/** Types of fuzz.mjs, for tests. */
export type Target = {
  name: string
  seeds: Uint8Array[]
  words?: string[]
  repair?: (bytes: Uint8Array) => Uint8Array
  parse: (bytes: Uint8Array) => unknown
}
export type Finding = { target: string; seed: number; number: number; bytes: number; problem: string }
export type Report = {
  target: string
  runs: number
  accepted: number
  slowestMs: number
  mostExtraBytes: number
  findings: Finding[]
}
export function randomOf(seed: number, number?: number): (n: number) => number
export function caseOf(target: Target, seed: number, number: number): Uint8Array
export function fuzz(
  target: Target,
  options: {
    runs: number
    seed?: number
    first?: number
    isExpected: (error: unknown) => boolean
    onCase?: (number: number) => void
    mostFindings?: number
    mostMs?: number
  },
): Promise<Report>
