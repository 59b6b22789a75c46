/** Runs the programs that compare operations in C++ (test/native/*_check.cc), and reads what they found. */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/**
 * One line of such a program; `error` is relative, `same` 0 where bits differ that must not, `told` a share of what is,
 * `refused` 0 where a second derivative was not refused, `changed` how far pictures are from what they were.
 */
export type Case = {
  set?: string
  name: string
  error?: number
  same?: number
  growth?: number
  told?: number
  refused?: number
  changed?: number
}

/** All lines of a program of build/cmake. */
export function casesOf(program: string): Case[] {
  const path = fileURLToPath(new URL(`../../build/cmake/${program}`, import.meta.url))
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive' }
  const lines = execFileSync(path, { env, encoding: 'utf8', maxBuffer: 1 << 26 }).trim()
  return lines === '' ? [] : lines.split('\n').map((line) => JSON.parse(line) as Case)
}
