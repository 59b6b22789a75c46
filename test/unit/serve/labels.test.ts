/** Labels over HTTP: what a model with labels is asked for, and what it refuses. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readMetadata } from '../../../lib/images/decode.ts'
import { createHandler } from '../../../lib/index.ts'
import type { LabelSet } from '../../../lib/options/labels.ts'
import { fakeModel } from '../../helpers/fake-model.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { ask, generate, jsonOf } from '../../helpers/serve.ts'

const fileOf = (base64: string): string => {
  const path = join(temporaryFolder(), 'picture.png')
  writeFileSync(path, Buffer.from(base64, 'base64'))
  return path
}

test('a model with labels is asked by word, attribute or prompt; what it does not know is refused with what it knows', async () => {
  const attributes: LabelSet['attributes'] = [{ name: 'hair', kind: 'class', values: ['red', 'black'], counts: [3, 3] }]
  const { model, native } = fakeModel({ labels: { from: 'folders', attributes } })
  const always = fakeModel({ labels: { from: 'folders', attributes }, labelDropout: 0 }).model
  const handler = createHandler({ faces: model, plain: fakeModel().model, always })
  const { data: listed } = await jsonOf(ask(handler, '/v1/models'))
  expect(listed).toMatchObject([
    { labels: attributes, guidance: true },
    { labels: null, guidance: false },
    { labels: attributes, guidance: false },
  ])
  for (const asked of [{ label: 'red' }, { attributes: { hair: 'red' } }, { prompt: 'red hair' }]) {
    const response = await generate(handler, { model: 'faces', guidance: 2, ...asked })
    expect(response.status).toBe(200)
    expect(native.args.at(-1)).toMatchObject({ labels: [1, 0, 0], guidance: 2 })
    expect((await readMetadata(fileOf((await jsonOf(response)).data[0].b64_json)))?.settings).toMatchObject({
      labels: { hair: 'red' },
      guidance: 2,
    })
  }
  expect((await generate(handler, { model: 'faces', prompt: ' ' })).status).toBe(200)
  expect(native.args.at(-1)).not.toHaveProperty('labels')
  const wrong = async (body: object) => {
    const response = await generate(handler, body)
    expect(response.status).toBe(400)
    return (await jsonOf(response)).error.message
  }
  expect(await wrong({ model: 'faces', label: 'blak' })).toContain('did you mean "black"?')
  expect(await wrong({ model: 'faces', prompt: 'a blue one' })).toContain('It knows: black, red')
  expect(await wrong({ model: 'plain', label: 'red' })).toContain('without labels')
  expect((await generate(handler, { model: 'plain', prompt: 'red hair' })).status).toBe(200)
})
