/** Names of any bytes as text, and back. */
import { expect, test } from 'vitest'
import { visible } from '../../../lib/errors.ts'
import { pathFromBytes, pathToBytes } from '../../../lib/files/path-bytes.ts'
import { noise } from '../../helpers/pictures.ts'

const back = (text: string) => Buffer.from(pathToBytes(text))

test('bytes that are UTF-8 are their text, and the file system gets it as it is', () => {
  for (const text of ['a.png', 'é/絵\u{1f600}.png', '\ufffd', 'a\\x8c.png', ''])
    expect([pathFromBytes(Buffer.from(text)), pathToBytes(text)]).toEqual([text, text])
})

test("others become what Python's surrogateescape makes of them", () => {
  // bytes(...).decode('utf-8', 'surrogateescape'), by Python 3.
  const known: [string, string][] = [
    ['8ca22e706e67', '\udc8c\udca2.png'],
    ['636166e92e706e67', 'caf\udce9.png'],
    // Half a character, one that is too long, and one of half a surrogate pair.
    ['e7b5', '\udce7\udcb5'],
    ['c0af', '\udcc0\udcaf'],
    ['eda080', '\udced\udca0\udc80'],
    ['c3a9ffc3a9', 'é\udcffé'],
    ['f09f98', '\udcf0\udc9f\udc98'],
    ['f5808080', '\udcf5\udc80\udc80\udc80'],
  ]
  for (const [hex, text] of known) {
    expect(pathFromBytes(Buffer.from(hex, 'hex')), hex).toBe(text)
    expect(back(text).toString('hex')).toBe(hex)
  }
})

test('any bytes come back, also through JSON', () => {
  for (let i = 0; i < 500; i++) {
    const bytes = Buffer.from(Array.from({ length: 1 + (i % 17) }, (_, k) => noise(i * 31 + k * 7)))
    expect(back(JSON.parse(JSON.stringify(pathFromBytes(bytes)))).equals(bytes)).toBe(true)
  }
})

test('messages show such bytes as numbers', () => {
  expect(visible('\udc8c\udca2 \u{1f600}.png')).toBe('\\x8c\\xa2 \u{1f600}.png')
})
