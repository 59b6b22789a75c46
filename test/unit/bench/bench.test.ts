/** The benchmark's flags and cases, without measuring anything. */
import { expect, test } from 'vitest'

const scripts = (name: string) => import(new URL(`../../../bench/${name}`, import.meta.url).href)
const [{ casesOf }, { parseFlags }, { ratios, table }] = await Promise.all(
  ['cases.mjs', 'flags.mjs', 'table.mjs'].map(scripts),
)
type Case = { works: string[]; who: string[]; name(work: string): string }

test.each([
  [['--only', 'forward,nope'], '--only has "nope"; it knows forward,'],
  [['--who', 'me'], '--who has "me"; it knows shinsaku,'],
  [['--variant', '1'], '--variant has "1"; it knows 2.3, 0.26'],
  [['--size', '12.5'], '--size must be a whole number from 1, not "12.5"'],
  [['--batch', ''], '--batch must be a whole number from 1, not ""'],
  [['--dim-mults', '1,x'], '--dim-mults must be a whole number from 1, not "x"'],
  [['--isa', 'sse'], '--isa has "sse"; it knows avx2'],
  [['--isa', 'avx2', '--only', 'ingest'], '--only has "ingest"; it knows forward, train, dcgan'],
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
