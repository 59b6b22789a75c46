/** What a browser makes of files that are no models of ours. */
import { describe, expect, test } from 'vitest'
import { descriptionKey, readDescription, readMetadata } from '../../../lib/onnx/browser/description.ts'
import { Message } from '../../../lib/onnx/protobuf.ts'

const modelOf = (metadata: Record<string, string>) => {
  const message = new Message().int(1, 8).text(2, 'shinsaku')
  for (const [key, value] of Object.entries(metadata)) message.message(14, new Message().text(1, key).text(2, value))
  return message.toBytes()
}

test('metadata are read among other fields, of any type', () => {
  const message = new Message().int(3, -1).float(4, 0.5).bytes(7, new Uint8Array(300))
  const bytes = Buffer.concat([message.toBytes(), modelOf({ a: 'ä', b: '' })])
  expect([...readMetadata(bytes)]).toEqual([
    ['a', 'ä'],
    ['b', ''],
  ])
})

describe('an error says what is wrong', () => {
  test.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'was not exported by shinsaku'],
    ['another model', modelOf({ author: 'someone' }), 'was not exported by shinsaku'],
    ['a picture', Buffer.from('\x89PNG\r\n\x1a\n0123456789', 'latin1'), 'no ONNX file'],
    ['half a model', modelOf({ [descriptionKey]: '{}' }).subarray(0, 20), 'is cut off'],
    ['a number without end', Uint8Array.of(8, 255, 255), 'ends within a number'],
    ['a newer version', modelOf({ [descriptionKey]: '{"format":99}' }), 'newer version'],
    ['text that is no JSON', modelOf({ [descriptionKey]: '{' }), 'damaged'],
    ['another form', modelOf({ [descriptionKey]: '{"format":1}' }), 'damaged'],
  ])('%s', (_, bytes, message) => expect(() => readDescription(bytes)).toThrow(message))
})
