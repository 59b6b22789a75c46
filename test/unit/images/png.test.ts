/** PNG row by row: every pixel and the packet come back, wrong rows are refused, and little is held. */

import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { crc32 } from 'node:zlib'
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { encodePng } from '../../../lib/images/png.ts'
import { readXmp, writeXmp } from '../../../lib/images/xmp.ts'
import { noise } from '../../helpers/pictures.ts'

type Shape = { width: number; height: number; channels: number }

/** Values that each filter is best for, one part after the other, and some that none is. */
function varied({ width, height, channels }: Shape): Uint8Array {
  const stride = width * channels
  return Uint8Array.from({ length: height * stride }, (_, i) => {
    const [y, x] = [Math.floor(i / stride), i % stride]
    return [noise(i), x * 3, noise(x) + y, x * y, 0, 255 - x][y % 6]! & 255
  })
}

/** The rows `each` at a time, in memory that is used again. */
function* piecesOf(pixels: Uint8Array, stride: number, each: number): Generator<Uint8Array> {
  const memory = new Uint8Array(each * stride)
  for (let at = 0; at < pixels.length; at += memory.length) {
    const piece = pixels.subarray(at, at + memory.length)
    memory.set(piece)
    yield memory.subarray(0, piece.length)
  }
}

const encode = (rows: Iterable<Uint8Array>, shape: Shape, xmp?: string) => buffer(encodePng(rows, shape, xmp))

/** Types of a file's chunks; fails on a wrong length or sum. */
function chunksOf(file: Buffer): string[] {
  const types: string[] = []
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at)
    expect(file.readUInt32BE(at + 8 + length)).toBe(crc32(file.subarray(at + 4, at + 8 + length)))
    types.push(file.toString('latin1', at + 4, at + 8))
    at += length + 12
  }
  return types
}

describe('encodePng', () => {
  test.each([1, 3, 4])(
    '%i channels: sharp reads the same pixels, however many rows come at a time',
    async (channels) => {
      const shape = { width: 13, height: 29, channels }
      const pixels = varied(shape)
      const files = []
      for (const each of [1, 2, 29]) files.push(await encode(piecesOf(pixels, 13 * channels, each), shape))
      const space = channels === 1 ? 'b-w' : 'srgb'
      expect(await sharp(files[0]).metadata()).toMatchObject({ ...shape, format: 'png', depth: 'uchar', space })
      const data = await sharp(files[0]).toColourspace(space).raw().toBuffer()
      expect(data.equals(pixels)).toBe(true)
      for (const file of files.slice(1)) expect(file.equals(files[0]!)).toBe(true)
    },
  )

  test('rows longer than what is filtered and compressed at a time', async () => {
    const shape = { width: 70_000, height: 7, channels: 3 }
    const pixels = randomBytes(shape.width * shape.height * shape.channels)
    const file = await encode([pixels], shape)
    expect((await sharp(file).raw().toBuffer()).equals(pixels)).toBe(true)
    expect(chunksOf(file).filter((type) => type === 'IDAT').length).toBeGreaterThan(1)
  })

  test('the packet is where sharp looks for it; without one there is none', async () => {
    const shape = { width: 1, height: 1, channels: 1 }
    const settings = { seed: 3407, text: `<a> & "b" 日本`, none: null }
    const file = await encode([Uint8Array.of(9)], shape, writeXmp(settings))
    expect(chunksOf(file)).toEqual(['IHDR', 'iTXt', 'IDAT', 'IEND'])
    expect(readXmp((await sharp(file).metadata()).xmpAsString!)?.settings).toEqual(settings)
    expect(chunksOf(await encode([Uint8Array.of(9)], shape))).toEqual(['IHDR', 'IDAT', 'IEND'])
  })

  test.each<[string, Shape, number[], string]>([
    ['too few rows', { width: 2, height: 3, channels: 1 }, [2, 2], 'fewer came'],
    ['no rows', { width: 2, height: 3, channels: 1 }, [], 'fewer came'],
    ['too many rows', { width: 2, height: 1, channels: 1 }, [2, 2], 'more came'],
    ['half a row', { width: 2, height: 2, channels: 1 }, [1, 3], 'no whole rows'],
    ['no width', { width: 0, height: 1, channels: 1 }, [], 'sides'],
    ['no height', { width: 1, height: 0, channels: 1 }, [], 'sides'],
    ['too wide', { width: 2 ** 31, height: 1, channels: 1 }, [], 'sides'],
    ['two channels', { width: 1, height: 1, channels: 2 }, [2], 'channels'],
  ])('%s: RangeError', async (_, shape, lengths, text) => {
    const rows = lengths.map((length) => new Uint8Array(length))
    await expect(encode(rows, shape)).rejects.toThrow(RangeError)
    await expect(encode(rows, shape)).rejects.toThrow(text)
  })

  test('an error of the rows passes through; the rows are closed when the reader leaves', async () => {
    const error = new Error('no more')
    let closed = 0
    function* rows(failing: boolean) {
      try {
        for (;;) {
          yield randomBytes(200_000)
          if (failing) throw error
        }
      } finally {
        closed += 1
      }
    }
    const shape = { width: 200_000, height: 9, channels: 1 }
    await expect(encode(rows(true), shape)).rejects.toBe(error)
    let parts = 0
    for await (const _ of encodePng(rows(false), shape)) if (++parts === 3) break
    expect(parts).toBe(3)
    expect(closed).toBe(2)
  })

  test('rows are asked for one after the other: what was written before has left', async () => {
    const shape = { width: 100_000, height: 50, channels: 1 }
    let [given, written] = [0, 0]
    const ahead: number[] = []
    function* rows() {
      for (let y = 0; y < shape.height; y++) {
        ahead.push(given - written)
        given += shape.width
        yield randomBytes(shape.width)
      }
    }
    for await (const part of encodePng(rows(), shape)) written += part.length
    // Random bytes cannot be compressed: what went in and is not out is being held.
    expect(Math.max(...ahead)).toBeLessThan(500_000)
    expect(written).toBeGreaterThan(4_900_000)
  })
})
