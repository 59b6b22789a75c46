/** What becomes of a line on its way to log.txt and to onLog. */
import { expect, test } from 'vitest'
import type { RunDirectory } from '../../../lib/run/directory.ts'
import type { EventWriter } from '../../../lib/run/events.ts'
import { RunLog } from '../../../lib/train/run-log.ts'

test('control characters reach neither log.txt nor onLog; line ends of our own do', async () => {
  const [kept, heard]: string[][] = [[], []]
  const directory = { appendLog: async (line: string) => kept!.push(line), sync: async () => {} }
  const log = new RunLog(
    directory as unknown as RunDirectory,
    { sync: async () => {} } as unknown as EventWriter,
    (line) => heard!.push(line),
  )
  log.log('Ignored: \x1b[2J\x07\r\x9b.png.\nNext')
  await log.flush()
  const clean = 'Ignored: \\x1b[2J\\x07\\r\\x9b.png.\nNext'
  expect(heard).toEqual([clean])
  expect(kept).toEqual([expect.stringMatching(/^\S+Z Ignored/)])
  expect(kept![0]!.endsWith(clean)).toBe(true)
})
