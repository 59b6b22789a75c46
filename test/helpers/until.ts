/** Waits for what a test has set going: for an event, never for a time. */
import { vi } from 'vitest'

/** Guards against hangs only; a busy machine may take minutes over what is done at once on a quiet one. */
const HANG_MS = 300_000

/** Resolves once `condition` gives something true. */
export const until = <T>(condition: () => T | Promise<T>): Promise<T> =>
  vi.waitUntil(condition, { timeout: HANG_MS, interval: 5 }) as Promise<T>
