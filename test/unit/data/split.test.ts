/** Which pictures are held out: the same everywhere, near-duplicates together, as on record where a run goes on. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { chooseHeldOut, countHeldOut } from '../../../lib/data/split.ts'

const hash = (text: string) => createHash('sha256').update(text).digest('hex')
const fileOf = (name: string) => ({ path: `${name}.png`, sha256: hash(name) })
const files = Array.from({ length: 200 }, (_, i) => fileOf(`picture ${i}`))
const alone = files.map((_, i) => i)
const names = (list: readonly { sha256: string }[], chosen: readonly number[]) =>
  chosen.map((index) => list[index]!.sha256).sort()

describe('how many', () => {
  test.each([
    ['auto', 1, 0],
    ['auto', 99, 0],
    ['auto', 100, 16],
    ['auto', 158, 16],
    ['auto', 1000, 100],
    [0, 158, 0],
    [1, 2, 1],
    [30, 158, 30],
    [0.5, 9, 5],
    [0.001, 50, 1],
  ] as const)('%s of %i pictures is %i', (holdout, count, wanted) => expect(countHeldOut(holdout, count)).toBe(wanted))

  test.each([[158], [400], [0.999]])('%s of 158 leaves none: DATA_TOO_FEW', (holdout) => {
    expect(() => countHeldOut(holdout, 158)).toThrow(
      expect.objectContaining({
        code: 'DATA_TOO_FEW',
        message: expect.stringMatching(/holdout is .* of 158 usable pictures: none is left/),
        hint: expect.stringContaining('Lower holdout'),
      }),
    )
  })
})

describe('which', () => {
  test('follow from the contents, whatever the names and the order', () => {
    const chosen = chooseHeldOut(files, alone, 'auto')
    expect(chosen).toHaveLength(20)
    expect(chosen).toEqual([...chosen].sort((a, b) => a - b))
    const renamed = files.map(({ sha256 }, i) => ({ path: `${i}`, sha256 })).reverse()
    expect(names(renamed, chooseHeldOut(renamed, alone, 'auto'))).toEqual(names(files, chosen))
  })

  test('hardly change with the set: of one picture more, at most one makes room', () => {
    const before = names(files, chooseHeldOut(files, alone, 20))
    const more = [...files, fileOf('one more')]
    const after = new Set(names(more, chooseHeldOut(more, [...alone, 200], 20)))
    expect(before.filter((name) => !after.has(name)).length).toBeLessThanOrEqual(1)
  })

  test('near-duplicates are on one side, and the count is still met', () => {
    for (const size of [1, 3, 7]) {
      const leaders = alone.map((i) => i - (i % size))
      const chosen = chooseHeldOut(files, leaders, 21)
      expect(chosen).toHaveLength(21)
      const groups = new Set(chosen.map((i) => leaders[i]))
      expect(files.filter((_, i) => groups.has(leaders[i]!) && !chosen.includes(i))).toEqual([])
    }
  })

  test('a group that does not fit is not cut: fewer are held out, or none', () => {
    expect(chooseHeldOut(files, new Array(200).fill(0), 'auto')).toEqual([])
    const leaders = alone.map((i) => i - (i % 8))
    expect(chooseHeldOut(files, leaders, 20)).toHaveLength(16)
  })
})

describe('a run that goes on', () => {
  const chosen = chooseHeldOut(files, alone, 'auto')
  const side = (held: boolean) => files.filter((_, i) => chosen.includes(i) === held)
  const recorded = { files: side(false), heldOut: side(true) }

  test('has what was held out, also where another number would be now', () => {
    expect(chooseHeldOut(files, alone, 'auto', recorded)).toEqual(chosen)
    expect(chooseHeldOut(files, alone, 5, recorded)).toEqual(chosen)
    const other = { files: files.slice(10), heldOut: files.slice(0, 10) }
    expect(chooseHeldOut(files, alone, 'auto', other)).toEqual(alone.slice(0, 10))
  })

  test('trains on new pictures, but not on near-duplicates of those held out', () => {
    const more = [...files, ...Array.from({ length: 300 }, (_, i) => fileOf(`new ${i}`))]
    const leaders = more.map((_, i) => i)
    leaders[210] = chosen[0]!
    leaders[220] = recorded.files.length > 0 ? files.indexOf(recorded.files[0]!) : 0
    expect(chooseHeldOut(more, leaders, 'auto', recorded)).toEqual([...chosen, 210])
  })

  test('what is on record stays where it is, even where it is found to be alike now', () => {
    expect(chooseHeldOut(files, new Array(200).fill(0), 'auto', recorded)).toEqual(chosen)
  })

  test('a file that was held out stays so with other content', () => {
    const edited = files.map((file, i) => (i === chosen[3] ? { ...file, sha256: hash('edited') } : file))
    expect(chooseHeldOut(edited, alone, 'auto', recorded)).toEqual(chosen)
  })

  test('with holdout 0 trains on all of them', () => expect(chooseHeldOut(files, alone, 0, recorded)).toEqual([]))

  test('where none of them is left, what it has not seen is held out; never what it was trained on', () => {
    const fresh = Array.from({ length: 100 }, (_, i) => fileOf(`fresh ${i}`))
    const list = [...recorded.files, ...fresh]
    const again = chooseHeldOut(
      list,
      list.map((_, i) => i),
      16,
      recorded,
    )
    expect(again).toHaveLength(16)
    expect(Math.min(...again)).toBeGreaterThanOrEqual(recorded.files.length)
  })

  test('where only those are left, it has nothing to train on: DATA_TOO_FEW', () => {
    const { heldOut } = recorded
    const leaders = heldOut.map((_, i) => i)
    expect(() => chooseHeldOut(heldOut, leaders, 5, recorded)).toThrow(
      expect.objectContaining({ code: 'DATA_TOO_FEW', message: expect.stringContaining('are held out') }),
    )
  })
})
