// Fuzzing by seeded mutation: any case can be made again from its seed and its number alone.
import { getHeapStatistics } from 'node:v8'

/**
 * One parser under test.
 *   name        of the target
 *   seeds       well-formed inputs that mutations start from, as bytes
 *   words       tokens of the format that mutations put in
 *   repair      optional: makes checksums of a mutated input right again, so that what lies behind them is reached
 *   parse       reads bytes and uses what it read; may be asynchronous
 * @typedef {{ name: string, seeds: Uint8Array[], words?: string[], repair?: (bytes: Uint8Array) => Uint8Array,
 *   dense?: () => Buffer[], parse: (bytes: Uint8Array) => unknown }} Target
 * @typedef {{ target: string, seed: number, number: number, bytes: number, problem: string }} Finding
 * @typedef {{ target: string, runs: number, accepted: number, slowestMs: number, mostExtraBytes: number,
 *   findings: Finding[] }} Report
 */

/** Of the processor, so that a busy machine finds nothing. Parsing a small file takes well under a millisecond. */
const MAX_MS = 2000
/** What a case may allocate besides twice its bytes, and mostly lets go of at once: promises, rows, errors with stacks. */
const ALLOWANCE_BYTES = 2 ** 23
const MAX_INPUT_BYTES = 2 ** 16

/** Uniform integers: `next(n)` is 0 to n - 1. A 32-bit mix of a counter (Murmur3's), the same on every machine. */
export function randomOf(seed, number = 0) {
  const mix = (value) => {
    let h = value >>> 0
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0
  }
  const stream = mix(mix(seed + 0x9e3779b9) + number)
  let count = 0
  return (n) => {
    count += 1
    return mix(stream + Math.imul(count, 0x9e3779b9)) % n
  }
}

const interesting = [
  ...['0', '-0', '-1', '1e3', '0.5', '1e309', '-1e309', '00', '4294967296', '9007199254740991', '9007199254740992'],
  ...['18446744073709551616', '99999999999999999999999999999999', 'NaN', 'null', 'true', '""', '[]', '{}', '[[[[[[[['],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '\\u0000',
    '\\ud800',
    '\u00e9',
    '\u65b0',
    '\ufeff',
    '\0',
  ],
  ...['../../../x', '/etc/passwd', '\n', '\r\n', '"', '\\', ',', ':', '{', '}', '[', ']'],
].map((text) => Buffer.from(text))

const integers = [0n, 1n, 7n, 8n, 0x7fn, 0xffn, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn, 2n ** 53n, 2n ** 63n]
const widest = integers.concat(2n ** 64n - 1n, 2n ** 64n - 8n)

const put = (bytes, at, remove, insert) =>
  Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(Math.min(bytes.length, at + remove))])

/**
 * Each changes bytes in its own way, at a position that is in them or at their end.
 * @type {((b: Buffer, at: number, next: (n: number) => number, given: { words: Buffer[], other: Buffer }) => Buffer)[]}
 */
const mutations = [
  // One bit, one byte.
  (b, at, next) => put(b, at, 1, Buffer.of((b[at] ?? 0) ^ (1 << next(8)))),
  (b, at, next) => put(b, at, 1, Buffer.of(next(256))),
  // Less: a piece taken out, the end cut off.
  (b, at, next) => put(b, at, 1 + next(1 + next(64)), Buffer.alloc(0)),
  (b, at) => b.subarray(0, at),
  // More: noise, a piece again, a piece many times.
  (b, at, next) => put(b, at, 0, Buffer.from(Array.from({ length: 1 + next(16) }, () => next(256)))),
  (b, at, next) => put(b, next(b.length + 1), 0, b.subarray(at, at + 1 + next(64))),
  (b, at, next) => put(b, at, 0, Buffer.concat(Array(1 + next(512)).fill(b.subarray(at, at + 1 + next(16))))),
  // A piece of another input.
  (b, at, next, { other }) => {
    const from = next(other.length + 1)
    return put(b, at, next(64), other.subarray(from, from + 1 + next(256)))
  },
  // A word of the format or of JavaScript, put in or put over.
  (b, at, next, { words }) => put(b, at, next(2) * next(12), words[next(words.length)] ?? Buffer.alloc(0)),
  // A number written as text becomes another one.
  (b, at, next, { words }) => {
    const isDigit = (i) => b.readUInt8(i) >= 0x30 && b.readUInt8(i) <= 0x39
    let begin = at
    while (begin < b.length && !isDigit(begin)) begin += 1
    let end = begin
    while (end < b.length && isDigit(end)) end += 1
    return put(b, begin, end - begin, words[next(words.length)] ?? Buffer.alloc(0))
  },
  // A number in binary becomes another one.
  (b, at, next) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(widest[next(widest.length)] ?? 0n)
    return put(b, at & ~3, next(2) ? 8 : 4, next(2) ? bytes : bytes.subarray(0, 4))
  },
]

/** Case `number` of a target: one of its seeds, changed in one to eight ways. */
export function caseOf(target, seed, number) {
  const next = randomOf(seed, number)
  const pick = () => Buffer.from(target.seeds[next(target.seeds.length)])
  const words = [...interesting, ...(target.words ?? []).map((word) => Buffer.from(word))]
  let bytes = pick()
  for (let changes = 1 + next(1 + next(8)); changes > 0; changes--) {
    const mutate = mutations[next(mutations.length)] ?? ((b) => b)
    bytes = mutate(bytes, next(bytes.length + 1), next, { words, other: pick() }).subarray(0, MAX_INPUT_BYTES)
  }
  return target.repair && next(2) === 0 ? target.repair(bytes) : new Uint8Array(bytes)
}

const processorMs = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const allocated = () => {
  const { used_heap_size, external_memory } = getHeapStatistics()
  return used_heap_size + external_memory
}

async function attempt(target, bytes, isExpected) {
  const before = allocated()
  const started = processorMs()
  /** @type {unknown} */
  let unexpected
  let accepted = false
  try {
    await target.parse(bytes)
    accepted = true
  } catch (error) {
    if (!isExpected(error)) unexpected = error
  }
  // A collection in between hides allocations; that most cases have none is what makes this count.
  return { accepted, unexpected, ms: processorMs() - started, extra: allocated() - before - 2 * bytes.length }
}

/** Runs one case: whether the input was accepted, its time, what it allocated beyond twice its bytes, and what is wrong. */
export async function runCase(target, bytes, isExpected, mostMs = MAX_MS) {
  let result = await attempt(target, bytes, isExpected)
  // Whatever else goes on in the process counts as well, but not twice.
  if (result.ms > mostMs || result.extra > ALLOWANCE_BYTES) {
    const again = await attempt(target, bytes, isExpected)
    result = { ...again, ms: Math.min(result.ms, again.ms), extra: Math.min(result.extra, again.extra) }
  }
  const { accepted, unexpected, ms, extra } = result
  const problems = [
    unexpected !== undefined && `unexpected ${unexpected instanceof Error ? unexpected.stack : unexpected}`,
    ms > mostMs && `took ${Math.round(ms)} ms of the processor`,
    extra > ALLOWANCE_BYTES && `allocated ${extra} bytes beyond twice its ${bytes.length}`,
  ]
  return { accepted, ms, extra, problem: problems.filter(Boolean).join('; ') }
}

/**
 * Feeds cases `first` to `first + runs - 1` to a target. `isExpected` says whether an error is one that a caller is
 * promised. `onCase` hears each number before the case is run.
 */
export async function fuzz(
  target,
  { runs, seed = 1, first = 0, isExpected, onCase = (_number) => {}, mostFindings = 10, mostMs },
) {
  /** @type {Report} */
  const report = { target: target.name, runs: 0, accepted: 0, slowestMs: 0, mostExtraBytes: 0, findings: [] }
  for (let number = first; number < first + runs && report.findings.length < mostFindings; number++) {
    onCase(number)
    const bytes = caseOf(target, seed, number)
    const { accepted, ms, extra, problem } = await runCase(target, bytes, isExpected, mostMs)
    report.runs += 1
    report.accepted += accepted ? 1 : 0
    report.slowestMs = Math.max(report.slowestMs, ms)
    report.mostExtraBytes = Math.max(report.mostExtraBytes, extra)
    if (problem !== '') report.findings.push({ target: target.name, seed, number, bytes: bytes.length, problem })
  }
  return report
}
