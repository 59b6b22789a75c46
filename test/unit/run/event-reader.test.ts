/** Reading event files back, and taking off what a resumed run writes again. */
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { frame } from '../../../lib/run/event-records.ts'
import { eventFiles, openEvents, truncateEvents } from '../../../lib/run/events.ts'
import { scanAll } from '../../helpers/events.ts'
import { forEveryFault, withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

/** Two files as two processes leave them, and the path of each. */
async function twoFiles(): Promise<{ folder: string; paths: string[] }> {
  const folder = temporaryFolder()
  for (const [seconds, steps] of [
    [1000, [0, 4, 8]],
    [2000, [8, 12, 5_000_000_000]],
  ] as const) {
    const events = await openEvents(folder, seconds)
    for (const step of steps) await events.scalars(step, { loss: step })
    await events.image(steps[2], 'samples', new Uint8Array(1_500_000), 1, 1)
    await events.close()
  }
  return { folder, paths: await eventFiles(folder) }
}

const stepsOf = async (path: string) =>
  (await scanAll(path)).records.filter(({ tags }) => tags.length > 0).map(({ step, tags }) => `${step} ${tags}`)

test('steps and tags come back, over any number of pieces', async () => {
  const { paths } = await twoFiles()
  expect(await stepsOf(paths[0]!)).toEqual(['0 loss', '4 loss', '8 loss', '8 samples'])
  expect(await stepsOf(paths[1]!)).toEqual(['8 loss', '12 loss', '5000000000 loss', '5000000000 samples'])
  for (const path of paths) {
    const { records, bytes, problem } = await scanAll(path)
    expect([records.at(-1)!.end, problem]).toEqual([bytes, undefined])
  }
})

test('cut at any byte, the whole records before are read and the cut is told', async () => {
  const { paths } = await twoFiles()
  const whole = await scanAll(paths[0]!)
  const bytes = readFileSync(paths[0]!)
  const ends = [0, ...whole.records.map(({ end }) => end)]
  for (let length = 0; length <= ends[3]! + 20; length++) {
    writeFileSync(paths[0]!, bytes.subarray(0, length))
    const { records, problem } = await scanAll(paths[0]!)
    expect(records.length).toBe(ends.filter((end) => end > 0 && end <= length).length)
    expect(problem !== undefined).toBe(!ends.includes(length))
  }
})

test('a flipped bit anywhere is damage there, never another event', async () => {
  const { paths } = await twoFiles()
  const whole = await scanAll(paths[0]!)
  const bytes = readFileSync(paths[0]!)
  const end = whole.records[2]!.end
  for (let bit = 0; bit < 8 * end; bit += 7) {
    const damaged = Buffer.from(bytes)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    writeFileSync(paths[0]!, damaged)
    const { records, problem } = await scanAll(paths[0]!)
    expect(problem, `bit ${bit}`).toBeDefined()
    expect(records).toEqual(whole.records.slice(0, records.length))
    expect(records.length).toBeLessThan(3)
  }
})

test('sound records that are no events are told', async () => {
  const path = join(temporaryFolder(), 'events')
  for (const data of [[0x10], [0x0b], [0x2a, 0x7f], [0x12, 0x01, 0x00], Array(12).fill(0xff)]) {
    writeFileSync(path, frame(Uint8Array.from(data)))
    expect(await scanAll(path)).toMatchObject({ records: [], problem: expect.stringContaining('is no event') })
  }
})

test('what comes after a position is taken off every file, and the tags at it are told', async () => {
  const { folder, paths } = await twoFiles()
  expect(await truncateEvents(folder, 12)).toEqual(new Set(['loss']))
  expect(await stepsOf(paths[1]!)).toEqual(['8 loss', '12 loss'])
  truncateSync(paths[0]!, readFileSync(paths[0]!).length - 1)
  expect(await truncateEvents(folder, 8)).toEqual(new Set(['loss']))
  expect(await stepsOf(paths[0]!)).toEqual(['0 loss', '4 loss', '8 loss'])
  expect(await truncateEvents(folder, -1)).toEqual(new Set())
  for (const path of paths) expect(await scanAll(path)).toMatchObject({ records: [{ tags: [] }], problem: undefined })
})

test('at every fault a file is as it was or as it should be', async () => {
  await forEveryFault(async (at) => {
    const { folder, paths } = await twoFiles()
    const outcome = await withFault({ at, dead: true }, () => truncateEvents(folder, 4))
    for (const path of paths) expect((await scanAll(path)).problem).toBeUndefined()
    if (outcome.error) expect(outcome.error).toMatchObject({ code: 'FILE_FAILED' })
    await truncateEvents(folder, 4)
    expect(await Promise.all(paths.map(stepsOf))).toEqual([['0 loss', '4 loss'], []])
    return outcome
  })
})
