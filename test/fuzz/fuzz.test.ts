/** R49, R50: mutated files for every parser, in the short form; `npm run fuzz` is the long one. */
import { describe, expect, test } from 'vitest'
import { ShinsakuError } from '../../lib/errors.ts'
import { caseOf, fuzz, type Target } from './fuzz.mjs'
import { makeTargets, moduleNames } from './fuzz-targets.mjs'

const modules = await Promise.all(
  moduleNames.map((name) => import(new URL(`../../lib/${name}.ts`, import.meta.url).href)),
)
const targets = makeTargets(Object.assign({}, ...modules))
const isExpected = (error: unknown) => error instanceof ShinsakuError
const RUNS = 500

describe.each(targets)('R49 R50 $name', (target) => {
  test('takes what is well-formed', async () => {
    for (const seed of target.seeds) await target.parse(seed)
  })

  test(`of ${RUNS} mutated files each is read or refused with a code, in little time and memory`, async () => {
    const { findings, runs, accepted } = await fuzz(target, { runs: RUNS, isExpected })
    expect(findings).toEqual([])
    // Neither all refused nor all taken: the mutations reach what lies behind the first check.
    expect([runs, accepted > 0]).toEqual([RUNS, true])
  })
})

describe('the fuzzer', () => {
  const target = (parse: Target['parse']): Target => ({ name: 'x', seeds: [Buffer.from('{"a":[1,2]}')], parse })

  test('makes the same case of the same numbers, and others of others', () => {
    const [a, b] = [target(() => {}), target(() => {})]
    const cases = Array.from({ length: 50 }, (_, number) => Buffer.from(caseOf(a, 7, number)).toString('hex'))
    expect(cases).toEqual(cases.map((_, number) => Buffer.from(caseOf(b, 7, number)).toString('hex')))
    expect(new Set(cases).size).toBeGreaterThan(40)
  })

  const spin = (ms: number) => {
    const { user } = process.cpuUsage()
    while (process.cpuUsage().user - user < ms * 1000);
  }

  test('notices errors without a code, slowness and gluttony', async () => {
    const kept: Uint8Array[] = []
    const plants: [Target['parse'], RegExp][] = [
      [() => JSON.parse('{'), /unexpected SyntaxError/],
      [() => Promise.reject(new TypeError('x')), /unexpected TypeError/],
      [() => spin(150), /took \d{3,} ms of the processor/],
      [() => kept.push(new Uint8Array(2e7)), /allocated \d+ bytes/],
    ]
    for (const [parse, problem] of plants) {
      const { findings } = await fuzz(target(parse), { runs: 1, isExpected, mostMs: 100 })
      expect(findings).toEqual([
        expect.objectContaining({ target: 'x', seed: 1, number: 0, problem: expect.stringMatching(problem) }),
      ])
    }
    expect(
      (
        await fuzz(
          target(() => kept.length),
          { runs: 5, isExpected },
        )
      ).findings,
    ).toEqual([])
  })
})
