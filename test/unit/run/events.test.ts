import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { crc32c } from '../../../lib/run/event-records.ts'
import { openEvents } from '../../../lib/run/events.ts'
import { withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

/** CRC-32C bit by bit, as its definition has it: independent of the table under test. */
function slowCrc(bytes: Uint8Array): number {
  let crc = 0xffffffffn
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x82f63b78n : 0n)
  }
  return Number(crc ^ 0xffffffffn)
}

function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}

type Fields = Map<number, (number | Buffer)[]>

/** Fields of a protobuf message; length-delimited ones as bytes. */
function parse(bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return Number(value)
    }
  }
  const take = (length: number) => {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const key = varint()
    const wire = key % 8
    const value =
      wire === 0 ? varint() : wire === 1 ? bytes.readDoubleLE(at) : wire === 5 ? bytes.readFloatLE(at) : take(varint())
    at += wire === 1 ? 8 : wire === 5 ? 4 : 0
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value])
  }
  return fields
}

const sub = (fields: Fields, field: number) => (fields.get(field) ?? []).map((value) => parse(value as Buffer))
const text = (fields: Fields, field: number) => String(fields.get(field)?.[0])

/** Every record of a file, after its length and both checksums were checked. */
function records(path: string): Fields[] {
  const content = readFileSync(path)
  const events: Fields[] = []
  for (let at = 0; at < content.length; ) {
    const length = Number(content.readBigUInt64LE(at))
    expect(unmask(content.readUInt32LE(at + 8))).toBe(slowCrc(content.subarray(at, at + 8)))
    const data = content.subarray(at + 12, at + 12 + length)
    expect(unmask(content.readUInt32LE(at + 12 + length))).toBe(slowCrc(data))
    events.push(parse(data))
    at += 16 + length
  }
  return events
}

test('CRC-32C of the standard vectors', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
  expect(crc32c(new Uint8Array(0))).toBe(0)
})

test('scalars and pictures are written as TensorBoard reads them', async () => {
  const folder = temporaryFolder()
  const begun = Date.now() / 1000
  const events = await openEvents(folder, 1_700_000_000.75)
  const png = Uint8Array.from({ length: 300 }, (_, i) => i)
  await events.scalars(0, { loss: 0.5, imagesPerSecond: 12 })
  await events.scalars(5_000_000_000, { loss: Number.NaN })
  await events.image(128, 'samples', png, 70, 40)
  await events.sync()
  await events.close()
  const ended = Date.now() / 1000
  expect(readdirSync(folder)).toEqual(['events.out.tfevents.1700000000.shinsaku'])
  const [version, scalars, late, image, ...rest] = records(join(folder, readdirSync(folder)[0]!))
  expect(rest).toEqual([])
  expect([version!.get(1), text(version!, 3)]).toEqual([[1_700_000_000.75], 'brain.Event:2'])
  const written = scalars!.get(1)![0] as number
  expect([begun <= written, written <= ended]).toEqual([true, true])
  expect(scalars!.get(2)).toEqual([0])
  const values = sub(sub(scalars!, 5)[0]!, 1)
  expect(values.map((value) => [text(value, 1), value.get(2)])).toEqual([
    ['loss', [0.5]],
    ['imagesPerSecond', [12]],
  ])
  expect(late!.get(2)).toEqual([5_000_000_000])
  expect(sub(sub(late!, 5)[0]!, 1)[0]!.get(2)).toEqual([Number.NaN])
  const [value] = sub(sub(image!, 5)[0]!, 1)
  expect([image!.get(2), text(value!, 1)]).toEqual([[128], 'samples'])
  const [picture] = sub(value!, 4)
  expect([picture!.get(1), picture!.get(2), picture!.get(3)]).toEqual([[40], [70], [3]])
  expect(picture!.get(4)).toEqual([Buffer.from(png)])
})

test('each opening begins a file that TensorBoard reads after the ones before', async () => {
  const folder = temporaryFolder()
  const opened: string[] = []
  for (const second of [...Array(12).fill(0), 1]) {
    await (await openEvents(folder, 1_700_000_000 + second)).close()
    opened.push(...readdirSync(folder).filter((name) => !opened.includes(name)))
  }
  expect(opened).toHaveLength(13)
  expect(opened[0]).toBe('events.out.tfevents.1700000000.shinsaku')
  expect(readdirSync(folder).sort()).toEqual(opened)
})

test('a record that does not fit on the disk leaves a readable file', async () => {
  const folder = temporaryFolder()
  const events = await openEvents(folder, 1_700_000_000)
  const { error } = await withFault({ at: 1, only: ['write'], code: 'ENOSPC' }, () => events.scalars(4, { loss: 1 }))
  expect(error).toMatchObject({ code: 'DISK_FULL' })
  await events.scalars(8, { loss: 2 })
  await events.close()
  expect(records(join(folder, readdirSync(folder)[0]!)).map((event) => event.get(2)?.[0])).toEqual([undefined, 8])
})

test('failures to begin a file are coded', async () => {
  const folder = temporaryFolder()
  await expect(openEvents(join(folder, 'missing'), 0)).rejects.toMatchObject({ code: 'FILE_FAILED' })
  expect(
    (await withFault({ at: 1, only: ['write'], code: 'ENOSPC' }, () => openEvents(folder, 0))).error,
  ).toMatchObject({ code: 'DISK_FULL' })
})
