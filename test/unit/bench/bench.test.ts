/** The benchmark's flags and cases, without measuring anything. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const scripts = (name: string) => import(new URL(`../../../bench/${name}`, import.meta.url).href)
const [{ casesOf }, { parseFlags }, { ratios, table }, { cpuPage }, { withRows }] = await Promise.all(
  ['cases.mjs', 'flags.mjs', 'rows.mjs', 'page-cpu.mjs', 'report.mjs'].map(scripts),
)
const docs = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8')
type Settings = { device: string; precision: string; size: number; batch: number }
type Case = { works: string[]; who: string[]; settings: Settings; name(work?: string): string }

test.each([
  [['--only', 'forward,nope'], '--only has "nope"; it knows forward,'],
  [['--who', 'me'], '--who has "me"; it knows shinsaku,'],
  [['--variant', '1'], '--variant has "1"; it knows 2.3, 0.26'],
  [['--size', '12.5'], '--size must be a whole number from 1, not "12.5"'],
  [['--batch', ''], '--batch must be a whole number from 1, not ""'],
  [['--dim-mults', '1,x'], '--dim-mults must be a whole number from 1, not "x"'],
  [['--isa', 'sse'], '--isa has "sse"; it knows avx2'],
  [['--isa', 'avx2', '--only', 'ingest'], '--only has "ingest"; it knows forward, train, dcgan'],
  [['--device', 'tpu'], '--device has "tpu"; it knows cpu, cuda'],
  [['--device', 'cuda', '--only', 'life'], '--only has "life"; it knows forward, train, dcgan'],
  [['--device', 'cuda', '--who', 'openvino'], '--who has "openvino"; it knows eager, tuned,'],
  [['--device', 'cuda', '--isa', 'avx2'], '--isa is for a CPU'],
  [['--rounds'], "--rounds <value>' argument missing"],
  [['--fast'], "Unknown option '--fast'"],
])('%j is refused with words that name it', (argv, words) => {
  expect(() => parseFlags(argv)).toThrow(words)
})

test('a size and a batch stand in place of the usual ones, once', () => {
  const cases: Case[] = casesOf(
    parseFlags(['--only', 'train,dcgan', '--size', '32', '--batch', '2', '--who', 'shinsaku,eager']),
  )
  expect(cases.map(({ name, works }) => works.map((work) => name(work)))).toEqual([
    ['training step, U-Net 2.3, 32 px, batch 2'],
    ['training step, DCGAN, 32 px, batch 2', 'drawing, DCGAN, 32 px, batch 2'],
  ])
  expect(cases[0]!.who).toEqual(['shinsaku', 'eager'])
})

test('a network of another size than the usual one says so', () => {
  const [first]: Case[] = casesOf(parseFlags(['--only', 'forward', '--dim', '16', '--dim-mults', '1,2']))
  expect(first!.name('forward')).toBe('forward, U-Net 2.3, 128 px, batch 1, dim 16 (1,2)')
})

test('work that is held to a smaller processor says so, without those who cannot be held', () => {
  const [first]: Case[] = casesOf(parseFlags(['--isa', 'avx2']))
  expect(first!.name('forward')).toBe('forward, U-Net 2.3, 128 px, batch 1, held to AVX2')
  expect(first!.who).toEqual(expect.arrayContaining(['shinsaku', 'eager', 'freezing', 'openvino']))
  expect(first!.who).not.toEqual(expect.arrayContaining(['onnxruntime']))
  expect(first!.who).not.toEqual(expect.arrayContaining(['shinsaku-avx2']))
})

test('ratios are to shinsaku in the same work', () => {
  const row = (work: string, who: string, median: number, min: number) => ({ work, who, median, min, unit: 'ms' })
  const rows = [row('a', 'shinsaku', 100, 80), row('a', 'eager', 250, 240), row('b', 'eager', 1, 1)]
  expect(rows.map((one) => ratios(one, rows))).toEqual([undefined, { median: 2.5, min: 3 }, undefined])
  expect(table(rows)).toContain('eager                 250 ms, min 240  2.50x (minima 3.00x)')
})

test("a GPU's cases name their precision, and a rehearsal is the same in miniature on a CPU", () => {
  const real: Case[] = casesOf(parseFlags(['--device', 'cuda', '--who', 'eager,shinsaku-cuda-graph']))
  const names = real.map((one) => one.name())
  expect(names[0]).toBe('training step, U-Net 2.3, dim 64 (1,2,4,8), 128 px, batch 16, tf32')
  expect(names.every((name) => /, (fp32|tf32|bf16)(, [\w ]+)?$/.test(name))).toBe(true)
  expect(new Set(names).size).toBe(names.length)
  const small: Case[] = casesOf(parseFlags(['--rehearse', '--who', 'eager,shinsaku-cuda-graph']))
  expect(small.map(({ who, works }) => [who, works])).toEqual(real.map(({ who, works }) => [who, works]))
  expect(small.every(({ settings }) => settings.device === 'cpu' && settings.size <= 32)).toBe(true)
})

test('without shinsaku as it chooses, ratios are to the fastest of its own', () => {
  const row = (who: string, median: number) => ({ work: 'a', who, median, min: median, unit: 'ms' })
  const rows = [row('eager', 80), row('shinsaku-reference', 60), row('shinsaku-cuda-graph', 20)]
  expect(rows.map((one) => ratios(one, rows)?.median)).toEqual([4, 3, undefined])
})

test('docs/benchmarks.md is the page of docs/benchmarks.json', () => {
  expect(docs('benchmarks.md')).toBe(`${cpuPage(JSON.parse(docs('benchmarks.json'))).trimEnd()}\n`)
})

test('what is measured again takes the place of what was measured, on its own processor', () => {
  const row = (work: string, median: number) => ({ work, who: 'shinsaku', median, min: median, rounds: 1, unit: 'ms' })
  const [here, there] = ['A', 'B'].map((processor) => ({ processor, threads: 2, versions: 'v', note: undefined }))
  const first = withRows(undefined, [row('x', 1), row('y', 2)], here)
  const again = withRows(withRows(first, [row('x', 9)], there), [row('y', 3)], here)
  expect(again.rows.map(({ median }: { median: number }) => median)).toEqual([1, 3])
  expect(again.others).toEqual([{ machine: there, rows: [row('x', 9)] }])
})
