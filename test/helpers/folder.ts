/** A folder that is gone after the test. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

export function temporaryFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, 'shinsaku-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const MEMORY = '/dev/shm'

/** The same in memory where that can be: for tests that save a thousand times. */
export const memoryFolder = (): string => temporaryFolder(existsSync(MEMORY) ? MEMORY : tmpdir())

/** One with these files, each a line or more of text. */
export function folderWith(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), `${text}\n`)
  }
  return root
}
