/** verify(): every file of a run, whole, cut short and damaged. */
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { digestOf } from '../../../lib/data/manifest.ts'
import { encodePicture } from '../../../lib/images/encode.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import { createRunDirectory } from '../../../lib/run/directory.ts'
import { openEvents } from '../../../lib/run/events.ts'
import { verify } from '../../../lib/run/verify.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { sharedFolder } from '../../helpers/runs.ts'
import { saveRequest } from '../../helpers/tensors.ts'

const shared = sharedFolder()
let made: string

beforeAll(async () => {
  const directory = await createRunDirectory(shared, 'diffusion-16-data')
  made = directory.path
  const files = [{ path: 'a.png', sha256: '00' }]
  await directory.writeConfig(resolveTrain({ size: 16 }))
  await directory.writeEnvironment({ node: '20' })
  await directory.writeDataset({ count: 1, digest: digestOf(files), files })
  for (const images of [4, 8]) await directory.appendMetrics({ images, loss: 1 })
  await directory.appendLog('one line')
  const png = await encodePicture(new Uint8Array(16 * 16 * 3), { width: 16, height: 16, channels: 3 }, 'png')
  writeFileSync(directory.realsPath, png)
  await directory.writeSample(0, png)
  const events = await openEvents(directory.path, 1000)
  await events.scalars(4, { loss: 1 })
  await events.scalars(8, { loss: 0.5 })
  await events.close()
  for (const images of [4, 8]) await saveCheckpoint(directory.path, saveRequest(images))
  await directory.close()
})

/** A copy of the run, changed; what verify() says of what is not whole. */
async function afterChange(change: (run: string) => void) {
  const run = join(temporaryFolder(), 'run')
  cpSync(made, run, { recursive: true })
  change(run)
  const { whole, checks } = await verify(run)
  return { whole, said: checks.filter(({ state }) => state !== 'whole') }
}

const EVENTS = 'events.out.tfevents.1000.shinsaku'
const newest = 'checkpoints/000000008'

test('a run as it was written is whole, every file of it named', async () => {
  const { run, whole, checks } = await verify(made)
  expect([run, whole]).toEqual([made, true])
  expect(checks.filter(({ state }) => state !== 'whole')).toEqual([])
  expect(checks.map(({ path }) => path)).toEqual([
    'config.json',
    'dataset.json',
    'environment.json',
    'metrics.jsonl',
    EVENTS,
    'log.txt',
    'reals.png',
    'samples/000000000.png',
    'checkpoints/000000004',
    newest,
    'checkpoints/latest.json',
  ])
})

test('one checkpoint can be asked for alone', async () => {
  expect(await verify(join(made, newest))).toMatchObject({ run: made, whole: true, checks: [{ path: newest }] })
})

describe('damage is found where it is', () => {
  const flip = (path: string, at: number) => {
    const bytes = readFileSync(path)
    bytes[at < 0 ? bytes.length + at : at]! ^= 4
    writeFileSync(path, bytes)
  }
  const cases: [path: string, how: string, change: (path: string) => void][] = [
    ['config.json', 'is not JSON', (path) => truncateSync(path, 20)],
    ['config.json', 'is wrong', (path) => writeFileSync(path, '{"format":1,"shinsaku":"1","options":{"size":7}}')],
    ['config.json', 'no such file', (path) => rmSync(path)],
    ['dataset.json', 'digest', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('a.png', 'b.png'))],
    ['dataset.json', 'lists 1 files', (path) => writeFileSync(path, readFileSync(path, 'utf8').replace('1,', '2,'))],
    ['environment.json', 'is not JSON', (path) => writeFileSync(path, '')],
    ['metrics.jsonl', 'line 3 is no line', (path) => appendFileSync(path, 'nonsense\n')],
    ['metrics.jsonl', 'from 8 to 8', (path) => appendFileSync(path, '{"images":8}\n')],
    [EVENTS, 'is damaged', (path) => flip(path, -1)],
    [EVENTS, 'damaged length', (path) => flip(path, 1)],
    ['log.txt', 'log.txt', (path) => writeFileSync(path, Buffer.from([0xff, 0x0a]))],
    ['reals.png', 'reals.png', (path) => truncateSync(path, 60)],
    ['samples/000000000.png', '000000000.png', (path) => writeFileSync(path, '')],
    [newest, 'SHA-256', (path) => flip(join(path, 'optimizer.safetensors'), -1)],
    [newest, 'state.json', (path) => rmSync(join(path, 'state.json'))],
  ]
  test.each(cases)('%s: %s', async (path, how, change) => {
    const { whole, said } = await afterChange((run) => change(join(run, path)))
    expect({ whole, said }).toEqual({
      whole: false,
      said: [{ path, state: 'damaged', detail: expect.stringContaining(how) }],
    })
  })
})

describe('what a kill leaves is a note', () => {
  const cases: [path: string, change: (path: string) => void][] = [
    ['metrics.jsonl', (path) => appendFileSync(path, '{"images":12,"lo')],
    [EVENTS, (path) => truncateSync(path, readFileSync(path).length - 3)],
    ['.lock-1-1-deadbeef', (path) => writeFileSync(path, '')],
    ['checkpoints/latest.json', (path) => writeFileSync(path, '{"images":4}')],
    ['checkpoints/latest.json', (path) => writeFileSync(path, '')],
    ['checkpoints/.tmp-000000012-1', (path) => mkdirSync(path)],
    ['checkpoints/000000008.damaged-1', (path) => mkdirSync(path)],
  ]
  test.each(cases)('%s', async (path, change) => {
    const { whole, said } = await afterChange((run) => change(join(run, path)))
    expect({ whole, said }).toEqual({ whole: true, said: [{ path, state: 'note', detail: expect.any(String) }] })
  })
})

test('what is not a run is an error', async () => {
  const folder = temporaryFolder()
  await expect(verify(folder)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  await expect(verify(join(folder, 'none'))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  await expect(verify('')).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  await expect(verify(3 as never)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
})
