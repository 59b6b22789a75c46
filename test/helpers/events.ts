/** Every record of an event file, for tests that look at each. */
import { type EventRecord, scanEvents } from '../../lib/run/event-reader.ts'

export async function scanAll(path: string) {
  const records: EventRecord[] = []
  const { bytes, problem, cut } = await scanEvents(path, (record) => records.push(record))
  return { records, bytes, problem, cut }
}
