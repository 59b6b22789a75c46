/** A folder that is gone after the test. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

export function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'shinsaku-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const MEMORY = '/dev/shm'

/** The same in memory where that can be: for tests that save a thousand times. */
export const memoryFolder = (): string => temporaryFolder(existsSync(MEMORY) ? MEMORY : tmpdir())
