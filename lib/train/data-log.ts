/** Says by lines how far a long reading of pictures has come, to those who asked for lines only. */
import type { DataProgress } from '../data/dataset.ts'

const verbs = { read: 'Read', decode: 'Decoded', compare: 'Compared' } as const
const EVERY_MS = 10_000

/** One line each ten seconds; none where reading takes less. */
export function logData(
  onLog: (line: string) => void,
  now: () => number = () => performance.now(),
): (progress: DataProgress) => void {
  let shown = now()
  return ({ phase, done, total }) => {
    if (now() - shown < EVERY_MS) return
    shown = now()
    onLog(`${verbs[phase]} ${done} of ${total} pictures`)
  }
}
