/** docs/benchmarks-gpu.md says what was measured on a GPU, and nothing else. */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../helpers/folder.ts'

const script = fileURLToPath(new URL('../../../bench/gpu/report.mjs', import.meta.url))

const machine = {
  date: '2026-01-02T03:04:05Z',
  arguments: ['bench'],
  gpuFields: 'name,driver_version',
  gpu: 'Planted GPU, 1.2.3',
}
const side = (who: string, median: number) => {
  return { who, median, min: median / 2, steps: 100, memory: 2048, ready: { ready: 3000 } }
}
const job = {
  title: 'training step, planted',
  batch: 16,
  rounds: 8,
  rows: [side('eager', 40), side('shinsaku-cuda-graph', 10), { who: 'compile', problem: 'not finished in 9 s' }],
}
const bench = {
  date: machine.date,
  arguments: ['--wait', '--budget', '9'],
  device: 'cuda',
  jobs: [job],
  leftOut: ['planted, batch 32'],
}

function report(files: Record<string, unknown>): string {
  const folder = temporaryFolder()
  for (const [name, value] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(value))
  const out = join(folder, 'page.md')
  execFileSync(process.execPath, [script, folder, '--out', out], { stdio: 'pipe' })
  return readFileSync(out, 'utf8')
}

test('has times, ratios, what did not finish and what was left out', () => {
  const page = report({ 'machine.json': machine, 'bench.json': bench })
  expect(page).toContain('name Planted GPU, driver_version 1.2.3')
  expect(page).toMatch(/its own operations in a CUDA graph \| 10\.00 \(5\.00\) \| 1600 \| 4\.00x \|/)
  expect(page).toMatch(/`torch\.compile` \| not finished in 9 s \|/)
  expect(page).toContain('Not measured for want of time: planted, batch 32.')
  expect(page).toContain('`bash bench/gpu/run.sh bench`')
})

test('names the command of a benchmark that was started alone', () => {
  const page = report({ 'machine.json': machine, 'bench.json': { ...bench, arguments: ['--only', 'two words'] } })
  expect(page).toContain('`node bench/gpu/bench.mjs --only "two words"`')
})

test('takes nothing from a rehearsal without a GPU', () => {
  expect(() => report({ 'machine.json': machine, 'bench.json': { ...bench, device: 'cpu' } })).toThrow('rehearsal')
  expect(() => report({ 'machine.json': { ...machine, gpu: null }, 'bench.json': bench })).toThrow('rehearsal')
})
