import { describe, expect, test } from 'vitest'
import { formatBytes, formatStatus, PhaseLine, shellQuote } from '../../../lib/cli/format.ts'
import { Progress } from '../../../lib/cli/progress.ts'
import { formatTime } from '../../../lib/options/format-time.ts'
import { logData } from '../../../lib/train/data-log.ts'
import type { Phase } from '../../../lib/train/phases.ts'
import type { Status } from '../../../lib/train/status.ts'

function screen(isTTY: boolean, columns = 40) {
  const written: string[] = []
  const clock = { ms: 1000 }
  const output = { isTTY, columns, write: (text: string) => written.push(text) }
  return { written, clock, progress: new Progress(output, { now: () => clock.ms }) }
}

describe('on a terminal', () => {
  test('one line is redrawn in place, at most ten times a second', () => {
    const { written, clock, progress } = screen(true)
    for (let i = 0; i <= 1000; i++, clock.ms += 1) progress.update(`${i}`)
    expect(written).toHaveLength(11)
    expect(written.every((text) => text.startsWith('\r\u001B[K') && !text.includes('\n'))).toBe(true)
    progress.end()
    expect(written.at(-1)).toBe('\n')
  })

  test('a line that would wrap is cut', () => {
    const { written, progress } = screen(true, 10)
    progress.update('0123456789')
    expect(written).toEqual(['\r\u001B[K012345678'])
  })

  test('a line that stays is written above it', () => {
    const { written, progress } = screen(true)
    progress.log('first')
    progress.update('at work')
    progress.log('second')
    expect(written).toEqual(['first\n', '\r\u001B[Kat work', '\r\u001B[Ksecond\nat work'])
    // Too early to be shown, but not to be written anew.
    progress.update('further')
    progress.log('third')
    expect(written.at(-1)).toBe('\r\u001B[Kthird\nfurther')
  })

  test('what was said too early is shown later, and a text that runs goes on, though nothing new is said', () => {
    const { written, clock, progress } = screen(true)
    progress.update('first')
    progress.update(() => `second ${clock.ms}`)
    expect(written).toEqual(['\r\u001B[Kfirst'])
    clock.ms += 1000
    progress.tick()
    clock.ms += 1000
    progress.tick()
    expect(written.slice(1)).toEqual(['\r\u001B[Ksecond 2000', '\r\u001B[Ksecond 3000'])
  })

  test('a line that is taken away leaves nothing', () => {
    const { written, progress } = screen(true)
    progress.update('at work')
    progress.clear()
    progress.end()
    expect(written).toEqual(['\r\u001B[Kat work', '\r\u001B[K'])
  })

  test('the end shows the newest text and leaves it', () => {
    const { written, progress } = screen(true)
    progress.update('1')
    progress.update('2')
    progress.end()
    progress.end()
    expect(written.join('')).toBe('\r\u001B[K1\r\u001B[K2\n')
  })
})

describe('elsewhere', () => {
  test('a plain line comes every half minute, and the last at the end', () => {
    const { written, clock, progress } = screen(false)
    for (let second = 0; second < 100; second++, clock.ms += 1000) progress.update(`${second} s`)
    progress.end()
    expect(written).toEqual(['30 s\n', '60 s\n', '90 s\n', '99 s\n'])
  })

  test('R75 an hour of statuses, ten a second: no control character, far fewer than one line a second', () => {
    const { written, clock, progress } = screen(false)
    for (let i = 0; i < 36_000; i++, clock.ms += 100) progress.update(`${i} images`)
    progress.end()
    expect(written.length).toBeLessThan(3600 / 20)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it is they that are looked for
    expect(written.join('')).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/)
  })

  test('there are no control characters, and nothing is said of a command that showed nothing', () => {
    const { written, progress } = screen(false)
    progress.log('line')
    progress.end()
    expect(written).toEqual(['line\n'])
  })
})

const status: Status = {
  images: 12_800,
  maxImages: 64_000,
  updates: 800,
  epoch: 81,
  loss: 0.021349,
  metrics: { loss: 0.021349 },
  guard: null,
  accuracy: null,
  imagesPerSecond: 35.22,
  elapsedSeconds: 363,
  etaSeconds: 1453.6,
  ops: 'cpu-avx2',
  graph: false,
  precision: 'fp32',
}

describe('the text', () => {
  test('has images, rate, loss, ETA and what computes', () => {
    expect(formatStatus(status)).toBe(
      '12,800/64,000 images (20%)  35.2 images/s  loss 0.0213  ETA 24 m 14 s  cpu-avx2 fp32',
    )
    expect(formatStatus({ ...status, ops: 'cuda', graph: true, precision: 'tf32' })).toMatch(
      / {2}cuda in a graph tf32$/,
    )
  })

  test('tells the share of the time where time ends the run first', () => {
    expect(formatStatus({ ...status, elapsedSeconds: 300, etaSeconds: 900 })).toContain('12,800 images (25%)  35.2')
    expect(formatStatus({ ...status, images: 64_000, etaSeconds: 0 })).toContain('64,000/64,000 images (100%)')
  })

  test('has every loss of the model, and no other series', () => {
    expect(formatStatus({ ...status, metrics: { lossG: 1.234, lossD: 0.5, realScore: 0.9 } })).toContain(
      '  lossG 1.23 lossD 0.500  ',
    )
  })

  test('leaves out what is not known yet', () => {
    expect(formatStatus({ ...status, images: 0, imagesPerSecond: 0, metrics: {}, etaSeconds: null })).toBe(
      '0/64,000 images (0%)  cpu-avx2 fp32',
    )
  })

  test.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [59.6, '1 m 00 s'],
    [3599.7, '1 h 00 m'],
    [7512, '2 h 05 m'],
    [97_200, '1 d 03 h'],
  ])('%d seconds are %s', (seconds, text) => expect(formatTime(seconds)).toBe(text))

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [428_600_000, '429 MB'],
    [1_234_000_000, '1.2 GB'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

  test('a path is quoted where a shell would split it', () => {
    expect(shellQuote('runs/00000-diffusion-32-icons')).toBe('runs/00000-diffusion-32-icons')
    expect(shellQuote("a\x1b[2J\\'\n")).toBe(`$'a\\x1b[2J\\\\\\'\\n'`)
    expect(shellQuote("it's mine/00000")).toBe(`'it'\\''s mine/00000'`)
  })
})

describe('the line about pictures being read', () => {
  test('has the rate of those that needed work, and when they will be done', () => {
    let ms = 0
    const line = new PhaseLine(() => ms)
    const text = (phase: Phase) => {
      line.update(phase)
      return line.text()
    }
    expect(text({ phase: 'read', done: 1, total: 3000 })).toBe('reading 1/3,000 pictures (0%)')
    ms = 500
    expect(text({ phase: 'read', done: 2999, total: 3000 })).toBe('reading 2,999/3,000 pictures (99%)')
    expect(text({ phase: 'decode', done: 1000, total: 3000 })).toBe('decoding 1,000/3,000 pictures (33%)')
    ms += 10_000
    expect(text({ phase: 'decode', done: 1500, total: 3000 })).toBe(
      'decoding 1,500/3,000 pictures (50%)  50.0 pictures/s  ETA 30 s',
    )
  })

  test('other phases have their share and ETA, or how long they have taken', () => {
    let ms = 0
    const line = new PhaseLine(() => ms)
    line.update({ phase: 'measure', done: 0, total: 1 })
    expect(line.text()).toBe('measuring how fast this machine trains')
    ms += 3000
    expect(line.text()).toBe('measuring how fast this machine trains  3 s')
    line.update({ phase: 'preview', done: 0, total: 1 })
    ms += 20_000
    line.update({ phase: 'preview', done: 0.25, total: 1 })
    expect(line.text()).toBe('sampling a preview (25%)  ETA 1 m 00 s')
    // The next one begins anew.
    line.update({ phase: 'preview', done: 0, total: 1 })
    expect(line.text()).toBe('sampling a preview')
  })

  test('an ETA runs down between two statuses', () => {
    expect(formatStatus(status, 60)).toContain('ETA 23 m 14 s')
  })

  test('where only lines are heard, one in ten seconds', () => {
    let ms = 0
    const lines: string[] = []
    const log = logData(
      (line) => lines.push(line),
      () => ms,
    )
    for (let done = 1; done <= 250; done++, ms += 100) log({ phase: done <= 150 ? 'read' : 'decode', done, total: 250 })
    expect(lines).toEqual(['Read 101 of 250 pictures', 'Decoded 201 of 250 pictures'])
  })
})
