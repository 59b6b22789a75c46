/** Odd and hostile picture files, each with what must become of it: its colour, or the reason that the report gives. */
import { gzipSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { type Colour, claimingPng, draw, draw16, flat, noise } from './pictures.ts'

/** What a file becomes: a picture of one colour as an RGB decoder shows it, some picture, or a line in the report. */
export type Fate = { colour: Colour; tolerance?: number } | { picture: true } | { reason: RegExp }
export type OddFile = { name: string; bytes: Uint8Array; fate: Fate }

const ORANGE: Colour = [200, 100, 50]
const orange = () => flat(ORANGE, 16)
/** Of any size: drawing pixel by pixel is for small ones. */
const plain = ([r, g, b]: Colour, width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: { r: r!, g: g!, b: b! } } })
const busy = (size: number) => draw(size, size, (x, y) => [noise(x), noise(y), noise(x * y)])

const drawing = (inside: string) =>
  Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">${inside}</svg>`)
const rect = drawing('<rect width="8" height="8" fill="red"/>')
const notPicture = /not a JPEG, PNG, WebP, AVIF, GIF or TIFF/

const made = async (name: string, image: Sharp, fate: Fate): Promise<OddFile> => ({
  name,
  bytes: await image.toBuffer(),
  fate,
})

/** What a well-meaning camera, scanner or editor writes. */
async function odd(): Promise<OddFile[]> {
  const is = (tolerance = 0): Fate => ({ colour: ORANGE, tolerance })
  const oriented = Array.from({ length: 8 }, (_, i) =>
    made(
      `exif-${i + 1}.jpg`,
      orange()
        .withMetadata({ orientation: i + 1 })
        .jpeg({ quality: 100 }),
      is(4),
    ),
  )
  const frames = Buffer.concat([Buffer.alloc(8 * 8 * 3, 10), Buffer.alloc(8 * 8 * 3, 200)])
  const animated = () => sharp(frames, { raw: { width: 8, height: 16, channels: 3, pageHeight: 8 } })
  const first: Fate = { colour: [10, 10, 10], tolerance: 1 }
  const sixteen = draw16(16, 16, 3, (i) => ORANGE[i % 3]! * 257)
  return Promise.all([
    ...oriented,
    made('cmyk.jpg', orange().toColourspace('cmyk').jpeg({ quality: 100 }), is(6)),
    made('progressive.jpg', orange().jpeg({ progressive: true, quality: 100 }), is(4)),
    made('grey.jpg', flat([77], 16).jpeg({ quality: 100 }), { colour: [77, 77, 77], tolerance: 2 }),
    made('16-bit.png', sixteen.png(), is(1)),
    made('16-bit-grey.png', draw16(16, 16, 1, () => 100 * 257).png(), { colour: [100, 100, 100] }),
    made('16-bit.tiff', sixteen.clone().tiff({ compression: 'lzw' }), is(1)),
    made('palette.png', orange().png({ palette: true }), is()),
    made('interlaced.png', orange().png({ progressive: true }), is()),
    made('alpha.png', flat([200, 100, 50, 0], 16).png(), { colour: [255, 255, 255] }),
    made('half-alpha.webp', flat([0, 0, 0, 128], 16).webp({ lossless: true, exact: true }), {
      colour: [127, 127, 127],
      tolerance: 1,
    }),
    made('grey-alpha.png', flat([40, 255], 16).png(), { colour: [40, 40, 40] }),
    made('animated.gif', animated().gif(), first),
    made('animated.webp', animated().webp({ lossless: true }), first),
    made('pages.tiff', animated().tiff({ compression: 'lzw' }), first),
    made('photo.avif', orange().avif({ quality: 100 }), is(6)),
    made('profile.png', orange().withIccProfile('p3').png(), is(2)),
    made('one-pixel.png', flat(ORANGE, 1).png(), is()),
    made('a-line.png', flat(ORANGE, 4000, 1).png(), is()),
    made('a-column.png', flat(ORANGE, 1, 4000).png(), is()),
    made('large.jpg', plain(ORANGE, 3000, 3000).jpeg({ quality: 100 }), is(4)),
    // The name says one thing, the content another.
    made('png-inside.jpg', orange().png(), is()),
    made('jpeg-inside.png', orange().jpeg({ quality: 100 }), is(4)),
    made('gif-inside.webp', orange().gif(), is(4)),
    // Names.
    made('\u65b0\u4f5c \u00e9\u{1f600}.png', orange().png(), is()),
    made('line\nend\tand "quotes".png', orange().png(), is()),
    made('__proto__.png', orange().png(), is()),
    made('-rf $(touch x).png', orange().png(), is()),
    made(`${'n'.repeat(251)}.png`, orange().png(), is()),
    made('UPPER.PNG', orange().png(), is()),
  ])
}

/** 64 x 64 pixels as a phone writes them: HEIF with HEVC, which sharp cannot make. */
export const heic = Buffer.from(
  [
    'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVZtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA',
    'ACJpbG9jAAAAAERAAAEAAQAAAAABegABAAAAAAAAAB4AAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRt',
    'AAAAAAABAAAA1mlwcnAAAAC3aXBjbwAAAHhodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMA',
    'AAMAHroCQGEAAQArQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbqSSmubgIaDAgAAAMAyAAAAwAIQGIAAQAHRAHBcrAiQAAAABNjb2xy',
    'bmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgQIDBAAAACZt',
    'ZGF0AAAAGigBrwY4Wvz9N6o3///KQx6H9kfKq8QmP1+A',
  ].join(''),
  'base64',
)

/** What nobody means well with. */
async function hostile(): Promise<OddFile[]> {
  const jpeg = await busy(128).jpeg({ quality: 100 }).toBuffer()
  const png = await busy(64).png().toBuffer()
  const file = (name: string, bytes: Uint8Array, reason: RegExp): OddFile => ({ name, bytes, fate: { reason } })
  const any = /./
  const text = (value: string) => Buffer.from(value, 'latin1')
  const truncated = Array.from({ length: Math.floor(jpeg.length / 1024) }, (_, i) =>
    file(`cut-at-${i + 1}-kb.jpg`, jpeg.subarray(0, (i + 1) * 1024), any),
  )
  const flipped = Buffer.from(png)
  flipped[png.length >> 1]! ^= 0xff
  const five = flat([9, 9, 9]).joinChannel([await flat([1]).png().toBuffer(), await flat([2]).png().toBuffer()])
  return [
    ...truncated,
    file('bomb.png', claimingPng(30_000, 30_000), /more than 16777216 pixels/),
    file('bomb-wide.png', claimingPng(2 ** 31 - 1, 1), any),
    file('nothing-claimed.png', claimingPng(0, 0), any),
    file('over-the-limit.png', await plain(ORANGE, 4097, 4096).png({ compressionLevel: 1 }).toBuffer(), /more than/),
    file('empty.png', new Uint8Array(), /empty/),
    file('phone.heic', heic, /HEIC.*HEVC.*convert it to JPEG or PNG/),
    file('one-byte.jpg', text('\xff'), notPicture),
    file('only-a-signature.png', text('\x89PNG\r\n\x1a\n'), any),
    file('only-a-signature.jpg', text('\xff\xd8\xff'), any),
    file('only-a-signature.webp', text('RIFF\xff\xff\xff\xffWEBP'), any),
    file('only-a-signature.avif', text('\0\0\0\x20ftypavif'), any),
    file('drawing.jpg', rect, notPicture),
    file('drawing-that-reads-files.png', drawing('<image href="file:///etc/passwd"/>'), notPicture),
    file(
      'drawing-of-entities.png',
      text('<!DOCTYPE s [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>'),
      notPicture,
    ),
    file('drawing-behind-gif.gif', Buffer.concat([text('GIF89a'), rect]), any),
    file('zipped-drawing.png', gzipSync(rect), notPicture),
    file('page.png', text('%PDF-1.7\n1 0 obj<</Type/Catalog>>'), notPicture),
    file('script.jpg', text('#!/bin/sh\nrm -rf /\n'), notPicture),
    file('raw.png', text('P6\n2 2\n255\n123456789012'), notPicture),
    file('bitmap.png', text('BM6\0\0\0'), notPicture),
    file(
      'noise.jpg',
      Uint8Array.from({ length: 4096 }, (_, i) => noise(i)),
      notPicture,
    ),
    file('flipped.png', flipped, any),
    file('cut.png', png.subarray(0, png.length - 20), any),
    file('five-channels.tiff', await five.tiff({ compression: 'lzw' }).toBuffer(), /channel/),
  ]
}

/** All of them; names are unique. */
export const oddFiles = async (): Promise<OddFile[]> => (await Promise.all([odd(), hostile()])).flat()
