/** What XMP packets say, and to whom. */
import { expect, test } from 'vitest'
import { forbidsTraining, readXmp, writeXmp } from '../../../lib/images/xmp.ts'

const plus = (value: string) => `<rdf:Description plus:DataMining="http://ns.useplus.org/ldf/vocab/${value}"/>`
const cawg = (use: string) => `<cawg:entry label="cawg.ai_generative_training"><cawg:use>${use}</cawg:use></cawg:entry>`

test.each([
  'DMI-PROHIBITED',
  'DMI-PROHIBITED-AIMLTRAINING',
  'DMI-PROHIBITED-GENAIMLTRAINING',
  'DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING',
])('%s forbids', (value) => expect(forbidsTraining(plus(value))).toBe(true))

test.each(['DMI-ALLOWED', 'DMI-UNSPECIFIED'])('%s does not forbid', (value) =>
  expect(forbidsTraining(plus(value))).toBe(false),
)

test('a training entry forbids by its use', () => {
  expect(forbidsTraining(cawg('notAllowed'))).toBe(true)
  expect(forbidsTraining(cawg('allowed'))).toBe(false)
  expect(forbidsTraining('<dc:rights>copying notAllowed</dc:rights>')).toBe(false)
})

test('a packet of ours is read back; damaged or foreign ones are not', () => {
  const packet = writeXmp({ seed: 1 })
  expect(readXmp(packet)?.settings).toEqual({ seed: 1 })
  expect(forbidsTraining(packet)).toBe(false)
  expect(readXmp(packet.replace('{', ''))).toBeNull()
  expect(readXmp('<x:xmpmeta/>')).toBeNull()
})
