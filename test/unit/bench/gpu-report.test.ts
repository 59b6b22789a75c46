/** docs/benchmarks-gpu.md says what was measured on a GPU, and nothing else. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const { cudaPage } = await import(new URL('../../../bench/page-cuda.mjs', import.meta.url).href)
const published = readFileSync(new URL('../../../docs/benchmarks-gpu.md', import.meta.url), 'utf8')

const machine = {
  date: '2026-01-02T03:04:05Z',
  arguments: ['bench'],
  gpuFields: 'name,driver_version',
  gpu: 'Planted GPU, 1.2.3',
}
const work = 'training step, planted, tf32'
const date = '2026-01-02'
const row = (who: string, median: number) => ({
  ...{ work, who, median, min: median / 2, rounds: 8, unit: 'ms', date, batch: 16, clocks: null },
  ...{ steps: 100, memory: 2048, reserved: null, ready: 3000 },
})
const rows = [
  row('eager', 40),
  row('shinsaku-cuda-graph', 10),
  { work, who: 'compile', date, problem: 'not finished in 9 s' },
]
const bench = {
  ...{ device: 'cuda', machine, rows, leftOut: ['planted, batch 32'] },
  arguments: ['--device', 'cuda', '--wait', '--budget', '9'],
}

test('has times, ratios, what did not finish and what was left out', () => {
  const page = cudaPage([{ machine, bench }], '')
  expect(page).toContain('name Planted GPU, driver_version 1.2.3')
  expect(page).toMatch(/its own operations in a CUDA graph \| 10\.00 \(5\.00\) \| 1600 \| 4\.00x \|.* 2\.0 GiB \| 3 s/)
  expect(page).toMatch(/`torch\.compile` \| not finished in 9 s \|/)
  expect(page).toContain('Not measured for want of time: planted, batch 32.')
  expect(page).toContain('`bash bench/gpu/run.sh bench`')
  expect(page).toContain('Measured on 2026-01-02.')
})

test('names the command of a benchmark that was started alone', () => {
  const page = cudaPage([{ bench: { ...bench, arguments: ['--device', 'cuda', '--note', 'two words'] } }], '')
  expect(page).toContain('`npm run bench -- --device cuda --note "two words"`')
})

test('what was measured earlier stays, below what is new, and is there once', () => {
  const once = cudaPage([{ machine, bench }], published)
  expect(once.indexOf('## Planted GPU')).toBeLessThan(once.indexOf('## NVIDIA'))
  const sections = (page: string) =>
    page
      .split(/\n(?=## )/)
      .slice(1)
      .map((text) => text.trim())
  expect(sections(once).slice(1)).toEqual(sections(published))
  expect(cudaPage([{ machine, bench }], once)).toBe(once)
})

test('takes nothing from a rehearsal without a GPU', () => {
  expect(() => cudaPage([{ machine, bench: { ...bench, device: 'rehearsal' } }], '')).toThrow('rehearsal')
  expect(() => cudaPage([{ machine: { ...machine, gpu: null }, bench }], '')).toThrow('rehearsal')
})
