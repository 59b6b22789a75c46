import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { train } from '../../lib/index.ts'
import type { AnyTrainOptions } from '../../lib/options/types.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { type Member, outcomesOf, runGroup, startGroup } from '../helpers/group.ts'
import { checkpointsOf, ENDLESS, useOwnCache, usePictures } from '../helpers/runs.ts'
import { until } from '../helpers/until.ts'

useOwnCache()
const data = usePictures(10)

const tiny = (over: Record<string, unknown> = {}): AnyTrainOptions =>
  ({
    data,
    out: temporaryFolder(),
    size: 8,
    dim: 8,
    dimMults: [1],
    batch: 4,
    timesteps: 20,
    threads: 1,
    exact: true,
    maxImages: 40,
    checkpointImages: 20,
    logImages: 1,
    previews: 0,
    guard: false,
    ...over,
  }) as AnyTrainOptions

const lossesOf = (run: string): number[] =>
  readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { loss: number }).loss)

/** The folder of a run that is under way. */
const runOf = ({ said }: Member): string | undefined => /"run":"([^"]+)"/.exec(said())?.[1]

/** Each is as near to its fellow as rounding allows. */
function expectNear(ours: readonly number[], theirs: readonly number[]): void {
  expect(ours).toHaveLength(theirs.length)
  for (const [i, value] of ours.entries()) expect(Math.abs(value / theirs[i]! - 1)).toBeLessThan(2e-4)
}

describe('several processes', () => {
  test('see the batches that one would see, the short last one too: the same losses but for rounding', async () => {
    const one = await train(tiny() as never)
    const [first, second] = await runGroup(2, tiny())
    // The batch of two that ends an epoch leaves one of three processes without a picture.
    const [third] = await runGroup(3, tiny())
    expectNear(lossesOf(first!.run!), lossesOf(one.run))
    expectNear(lossesOf(third!.run!), lossesOf(one.run))
    expect(second).toEqual(first)
  })

  test('one that is killed ends the other with a code that names it; resumed, the bytes are those of an unbroken run', async () => {
    const options = { ...tiny({ maxImages: ENDLESS }), report: true }
    const members = await startGroup([options, options])
    const run = (await until(() => runOf(members[0]!)))!
    await until(() => existsSync(join(run, 'checkpoints')) && checkpointsOf(run).length > 0)
    members[1]!.child.kill('SIGKILL')
    expect(await members[0]!.outcome).toMatchObject({ code: 'PROCESS_LOST', details: { rank: 1 } })
    const end = Math.max(...checkpointsOf(run).map(Number)) + 20
    const [again, follower] = await runGroup(2, { resume: run, maxImages: end } as AnyTrainOptions)
    const [whole] = await runGroup(2, tiny({ maxImages: end }))
    expect(again).toMatchObject({ images: whole!.images, weightsSha256: whole!.weightsSha256 })
    expect(follower).toEqual(again)
  })

  test('one that is stopped is named after the timeout', async () => {
    const options = { ...tiny({ maxImages: ENDLESS }), report: true }
    const members = await startGroup([options, options], { SHINSAKU_DISTRIBUTED_TIMEOUT: '2' })
    await until(() => runOf(members[0]!))
    members[1]!.child.kill('SIGSTOP')
    const lost = await members[0]!.outcome
    members[1]!.child.kill('SIGKILL')
    expect(lost).toMatchObject({ code: 'PROCESS_LOST', details: { rank: 1 } })
  })

  test('a signal to any one of them saves and ends all', async () => {
    const options = { ...tiny({ maxImages: ENDLESS }), report: true }
    const members = await startGroup([options, options])
    await until(() => runOf(members[0]!))
    members[1]!.child.kill('SIGTERM')
    const [first, second] = await outcomesOf(members)
    expect(checkpointsOf(first!.run!).map(Number)).toContain(first!.images)
    expect(second).toMatchObject({ code: 'ABORT_ERR' })
    expect(members.map(({ child }) => child.exitCode)).toEqual([0, 0])
  })

  test('are refused where options or pictures differ, with the difference', async () => {
    const out = temporaryFolder()
    const options = await startGroup([tiny({ out, lr: 1e-3 }), tiny({ out, lr: 2e-3 })])
    for (const outcome of await outcomesOf(options))
      expect(outcome).toMatchObject({
        code: 'PROCESSES_DIFFER',
        message: expect.stringMatching(/lr: 0.001 on rank 0, 0.002 on rank 1/),
      })
    const pictures = await startGroup([tiny({ out }), tiny({ out, data: 'builtin:icons:8' })])
    for (const outcome of await outcomesOf(pictures))
      expect(outcome).toMatchObject({ code: 'PROCESSES_DIFFER', message: expect.stringMatching(/count: 10 on rank 0/) })
  })
})
