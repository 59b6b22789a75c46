/** A run folder as others look at it: options, a line of metrics, a checkpoint's folder. Nothing in it was trained. */
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

type FakeRun = { images?: number; loss?: number; ageSeconds?: number; saved?: boolean; metrics?: string }

export function fakeRun(
  run: string,
  { images = 8, loss = 0.5, ageSeconds = 0, saved = true, metrics }: FakeRun,
): string {
  mkdirSync(join(run, 'checkpoints'), { recursive: true })
  const options = { model: 'diffusion', size: 16, data: 'builtin:icons' }
  writeFileSync(join(run, 'config.json'), JSON.stringify({ format: 1, shinsaku: '0.1.0', options }))
  const line = `${JSON.stringify({ images, loss, elapsedSeconds: 12 })}\n`
  writeFileSync(join(run, 'metrics.jsonl'), metrics ?? `${'{"images": 1, "loss": 9}\n'.repeat(3)}${line}`)
  if (saved) mkdirSync(join(run, 'checkpoints', String(images).padStart(9, '0')))
  const time = Date.now() / 1000 - ageSeconds
  for (const name of ['config.json', 'metrics.jsonl', 'checkpoints']) utimesSync(join(run, name), time, time)
  return run
}
