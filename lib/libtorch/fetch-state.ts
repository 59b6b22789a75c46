/** What fetches leave beside a fetched libtorch: unfinished work, and why the last one failed. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorTable, ShinsakuError } from '../errors.ts'
import type { Libtorch } from './find.ts'

type Flavour = Libtorch['flavour']

/** Paths below the cache's folder for libtorch. */
export const fetchPlaces = (parent: string, flavour: Flavour) => ({
  /** Whole wheels of a fetch that was cut. */
  kept: join(parent, `.wheels-${flavour}`),
  /** What such folders begin with. */
  scratch: join(parent, `.fetch-${flavour}-`),
  failure: join(parent, `.failure-${flavour}.json`),
})

/** A failure without its words, which may hold paths and addresses. */
export type Failure = { code: string; reason: string; advice: string; at: string }

/** Notes why a fetch failed, for `shinsaku doctor`; an abort is no failure. */
export async function recordFailure(parent: string, flavour: Flavour, error: unknown): Promise<void> {
  if (!(error instanceof ShinsakuError) || error.code === 'ABORT_ERR') return
  const failure: Failure = {
    code: error.code,
    reason: String(error.details.reason ?? ''),
    advice: error.hint ?? errorTable[error.code],
    at: new Date().toISOString(),
  }
  // On a full disk this fails too; the error itself counts.
  await writeFile(fetchPlaces(parent, flavour).failure, `${JSON.stringify(failure)}\n`).catch(() => {})
}

export const forgetFailure = (parent: string, flavour: Flavour): Promise<void> =>
  rm(fetchPlaces(parent, flavour).failure, { force: true })

/** Why the last fetch failed, if it did. */
export async function lastFailure(parent: string, flavour: Flavour): Promise<Failure | undefined> {
  try {
    const { code, reason, advice, at } = JSON.parse(await readFile(fetchPlaces(parent, flavour).failure, 'utf8'))
    return { code: String(code), reason: String(reason), advice: String(advice), at: String(at) }
  } catch {
    return undefined
  }
}
