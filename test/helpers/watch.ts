/** The page's server over a folder of runs that never were. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { FastifyInstance } from '../../lib/http/listen.ts'
import type { QueueEntry } from '../../lib/queue/queue.ts'
import { WatchedRuns } from '../../lib/watch/runs.ts'
import { makeWatchServer, type Queue } from '../../lib/watch/server.ts'
import { fakeRun } from './fake-run.ts'
import { temporaryFolder } from './folder.ts'
import { judgement } from './report.ts'

export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)

/** A run with everything that the page shows. */
export function fullRun(folder: string, name = '00000-diffusion-16-icons'): string {
  const run = fakeRun(join(folder, name), { images: 200 })
  for (const part of ['samples', 'nearest', 'evaluation/000000200']) mkdirSync(join(run, part), { recursive: true })
  for (const path of ['reals.png', 'samples/000000000.png', 'samples/000000200.png', 'nearest/000000200.png'])
    writeFileSync(join(run, path), PNG)
  writeFileSync(join(run, 'log.txt'), '2026-01-01T00:00:00.000Z Warning: <b>few</b> pictures\n')
  writeFileSync(join(run, 'environment.json'), JSON.stringify({ ops: 'reference', device: 'cpu', numerics: { a: 1 } }))
  const files = [{ path: 'a.png', sha256: 'a', licence: '<MIT>', author: null, source: null, optOut: false }]
  writeFileSync(join(run, 'dataset.json'), JSON.stringify({ data: 'icons', digest: 'b', files }))
  writeFileSync(join(run, 'evaluation/000000200/report.json'), JSON.stringify(judgement))
  writeFileSync(join(run, 'evaluation/000000200/report.html'), '<!doctype html><title>r</title><script>1</script>')
  return run
}

export const WRITE_TOKEN = 'w'.repeat(32)

type Options = { folder?: string; token?: string | null; host?: string; queue?: Partial<Queue>; only?: string }

export async function watchServer({
  folder = temporaryFolder(),
  token = null,
  host = '127.0.0.1',
  queue = {},
  only,
}: Options = {}): Promise<FastifyInstance> {
  const runs = await WatchedRuns.open(only ?? folder)
  const access = { host, token, writeToken: WRITE_TOKEN }
  const none = async (): Promise<QueueEntry[]> => []
  const server = await makeWatchServer({
    runs,
    access,
    queue: { list: none, move: async () => {}, stop: async () => {}, ...queue },
  })
  onTestFinished(() => server.close())
  return server
}
