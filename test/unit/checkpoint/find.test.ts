import { createHash } from 'node:crypto'
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { listCheckpoints, newestValidCheckpoint } from '../../../lib/checkpoint/find.ts'
import { readCheckpoint } from '../../../lib/checkpoint/read.ts'
import { makeManifest, positionName, positionOf } from '../../../lib/checkpoint/records.ts'
import { saveCheckpoint } from '../../../lib/checkpoint/save.ts'
import { verifyCheckpoint } from '../../../lib/checkpoint/verify.ts'
import { measure } from '../../../lib/files/read.ts'
import { toJson } from '../../../lib/files/write.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { tally, times } from '../../helpers/tally.ts'
import { saveRequest } from '../../helpers/tensors.ts'

const files = ['manifest.json', 'model.safetensors', 'optimizer.safetensors', 'state.json']
const invalid = { code: 'CHECKPOINT_INVALID' }

let run: string
let newest: string
let older: string

beforeEach(async () => {
  run = temporaryFolder()
  older = (await saveCheckpoint(run, saveRequest(128))).folder
  newest = (await saveCheckpoint(run, saveRequest(256))).folder
})

/** What a resume would load, and what it says. */
async function find() {
  const lines: string[] = []
  const { folder } = await newestValidCheckpoint(run, { onSkipped: (line) => lines.push(line) })
  return { folder, lines }
}

test('the newest is taken, without a word', async () => {
  expect(await find()).toEqual({ folder: newest, lines: [] })
})

test('only names of positions are checkpoints', async () => {
  for (const name of ['.tmp-000000512-1', '000000512.damaged-1', '512', '0000000512', 'x', '99999999999999999'])
    mkdirSync(join(run, 'checkpoints', name))
  expect((await listCheckpoints(run)).map(({ images }) => images)).toEqual([128, 256])
  expect(positionOf(positionName(1_234_567_890_123))).toBe(1_234_567_890_123)
})

describe('a damaged newest checkpoint is passed over and named', () => {
  test.each(files)('R09: %s cut to 25 lengths', async (name) => {
    const path = join(newest, name)
    const content = readFileSync(path)
    const lengths = times(25, 100)
    for (let cut = 0; cut < lengths; cut++) {
      truncateSync(path, Math.floor((cut * content.length) / lengths))
      const { folder, lines } = await find()
      expect(folder).toBe(older)
      expect(lines).toEqual([expect.stringContaining(newest)])
      writeFileSync(path, content)
    }
    expect((await find()).folder).toBe(newest)
    tally(`Lengths \`${name}\` of the newest checkpoint was cut to: found, and the one before taken`, lengths, lengths)
  })

  test.each(files)('R10: %s with one flipped bit, at 60 places', async (name) => {
    const path = join(newest, name)
    const content = readFileSync(path)
    const flips = times(60, 250)
    for (let flip = 0; flip < flips; flip++) {
      const damaged = Buffer.from(content)
      const bit = createHash('sha256').update(`${name} ${flip}`).digest().readUInt32LE() % (8 * content.length)
      damaged[bit >> 3]! ^= 1 << (bit & 7)
      writeFileSync(path, damaged)
      await expect(verifyCheckpoint(newest), `bit ${bit} of ${name}`).rejects.toMatchObject(invalid)
    }
    expect((await find()).folder).toBe(older)
    tally(`Bits flipped in \`${name}\`: found`, flips, flips)
  })

  test.each(files)('R12: %s empty, missing, a folder, a dangling link', async (name) => {
    const path = join(newest, name)
    writeFileSync(path, '')
    expect((await find()).folder).toBe(older)
    rmSync(path)
    expect((await find()).folder).toBe(older)
    mkdirSync(path)
    expect((await find()).folder).toBe(older)
    rmSync(path, { recursive: true })
    symlinkSync(path, path)
    expect((await find()).folder).toBe(older)
  })

  test('nothing is deleted or renamed', async () => {
    rmSync(join(newest, 'state.json'))
    const before = readdirSync(join(run, 'checkpoints'))
    await find()
    expect(readdirSync(join(run, 'checkpoints'))).toEqual(before)
  })

  test('an empty folder, and a file in its place', async () => {
    rmSync(newest, { recursive: true })
    mkdirSync(newest)
    expect((await find()).folder).toBe(older)
    rmSync(newest, { recursive: true })
    writeFileSync(newest, '')
    expect((await find()).folder).toBe(older)
  })

  test('a checkpoint under the name of another position', async () => {
    renameSync(newest, join(run, 'checkpoints', '000000512'))
    const { folder, lines } = await find()
    expect(folder).toBe(older)
    expect(lines).toEqual([expect.stringContaining('is that of a checkpoint at 256 images')])
  })
})

test('R13: latest.json is a hint only, missing or dangling', async () => {
  for (const text of ['', '{"images":512,"folder":"../../etc"}']) {
    writeFileSync(join(run, 'checkpoints', 'latest.json'), text)
    expect((await find()).folder).toBe(newest)
  }
  rmSync(join(run, 'checkpoints', 'latest.json'))
  expect((await find()).folder).toBe(newest)
})

test('R11: all damaged: one error that names each, nothing deleted', async () => {
  for (const folder of [older, newest]) writeFileSync(join(folder, 'manifest.json'), '')
  await expect(find()).rejects.toMatchObject({ ...invalid, message: expect.stringMatching(/000000256.*000000128/s) })
  expect((await listCheckpoints(run)).length).toBe(2)
})

test('no checkpoint at all', async () => {
  await expect(newestValidCheckpoint(temporaryFolder())).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  await expect(newestValidCheckpoint(join(run, 'missing'))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  await expect(newestValidCheckpoint(join(newest, 'state.json'))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
})

test('a checkpoint folder may be copied elsewhere under another name', async () => {
  const copy = join(temporaryFolder(), 'my favourite')
  cpSync(newest, copy, { recursive: true })
  expect((await verifyCheckpoint(copy)).images).toBe(256)
})

test('a newer format says so', async () => {
  const path = join(newest, 'manifest.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace('"format": 2', '"format": 3'))
  await expect(verifyCheckpoint(newest)).rejects.toMatchObject({
    ...invalid,
    message: expect.stringContaining('format 3'),
    hint: 'Update shinsaku.',
  })
})

describe('a manifest that vouches for bad contents is not enough', () => {
  /** Writes a file and a manifest that fits it. */
  async function forge(name: string, content: string) {
    writeFileSync(join(newest, name), content)
    const measured = await Promise.all(
      ['model.safetensors', 'optimizer.safetensors', 'state.json'].map(async (file) => [
        file,
        await measure(join(newest, file)),
      ]),
    )
    writeFileSync(
      join(newest, 'manifest.json'),
      toJson(makeManifest('0.1.0', 256, saveRequest(256).origin, Object.fromEntries(measured))),
    )
    await verifyCheckpoint(newest)
  }

  const good = saveRequest(256).state
  const states: [string, unknown][] = [
    ['no object', []],
    ['a missing counter', { ...good, updates: undefined }],
    ['a counter below 0', { ...good, images: -1 }],
    ['a counter with a fraction', { ...good, epoch: 0.5 }],
    ['a counter above 2^53', { ...good, updates: 2 ** 60 }],
    ['text for a number', { ...good, elapsedSeconds: '1' }],
    ['a sum that is null', { ...good, pending: { count: 1, sums: { loss: null } } }],
    ['an unknown field', { ...good, x: 1 }],
    ['the state of another position', { ...good, images: 128 }],
  ]
  test.each(states)('state.json: %s', async (_, state) => {
    await forge('state.json', JSON.stringify(state))
    await expect(readCheckpoint(newest)).rejects.toMatchObject(invalid)
  })

  test('state.json that reaches for prototypes', async () => {
    for (const text of [
      JSON.stringify(good).replace('{', '{"__proto__":{"polluted":1},'),
      JSON.stringify(good).replace('{', '{"constructor":{"prototype":{"polluted":1}},'),
    ]) {
      await forge('state.json', text)
      await expect(readCheckpoint(newest)).rejects.toMatchObject(invalid)
    }
    await forge('state.json', JSON.stringify(good).replace('"sums":{', '"sums":{"__proto__":1,'))
    const { state, close } = await readCheckpoint(newest)
    await close()
    expect(state).toEqual(good)
    expect(Object.getPrototypeOf(state.pending.sums)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  test.each(['model.safetensors', 'optimizer.safetensors'])('%s that is no safetensors file', async (name) => {
    await forge(name, 'x')
    await expect(readCheckpoint(newest)).rejects.toMatchObject({ ...invalid, cause: { code: 'SAFETENSORS_INVALID' } })
  })
})

test('a file that vanished after it was verified', async () => {
  const manifest = await verifyCheckpoint(newest)
  rmSync(join(newest, 'optimizer.safetensors'))
  await expect(readCheckpoint(newest, manifest)).rejects.toMatchObject(invalid)
})
