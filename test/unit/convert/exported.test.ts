/** What exported files say of their models: nothing of where they were made, and nothing that is believed unread. */

import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeExported, exportedKey, readExported } from '../../../lib/convert/exported.ts'
import { openImported } from '../../../lib/convert/import/open.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import { writeSafetensors } from '../../../lib/safetensors/safetensors.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const read = (text: string) => readExported('x.safetensors', { [exportedKey]: text })

test('options and images are read back, without what says where the run was', () => {
  const options = { ...resolveTrain({ size: 32, data: 'somebody/pictures', out: 'somebody/runs' }) }
  const text = describeExported(options, 640)
  expect(text).not.toContain('somebody')
  expect(read(text)).toMatchObject({ images: 640, options: { size: 32, model: 'diffusion', timesteps: 1000 } })
  expect(resolveTrain(read(text)!.options)).toMatchObject({ size: 32, data: 'builtin:icons' })
})

test('metadata of others are none of its business', () => {
  expect(readExported('x', { format: 'pt' })).toBeUndefined()
  expect(readExported('x', {})).toBeUndefined()
})

describe('damaged or foreign metadata', () => {
  test.each([
    ['{', 'damaged options'],
    ['null', 'damaged options'],
    ['{"format": 1, "images": -1, "options": {}}', 'damaged options'],
    ['{"format": 1, "images": 1, "options": []}', 'damaged options'],
    ['{"format": 2, "images": 1, "options": {}}', 'newer version'],
  ])('%s: IMPORT_UNSUPPORTED', (text, problem) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ code: 'IMPORT_UNSUPPORTED', message: expect.stringContaining(problem) }),
    )
  })

  test('a place in them is not taken', () => {
    const { options } = read('{"format": 1, "images": 1, "options": {"out": "/etc", "size": 16}}')!
    expect(options).toMatchObject({ size: 16 })
    expect(options).not.toHaveProperty('out')
  })

  test('options that are wrong are listed, and the file is closed', async () => {
    const path = join(temporaryFolder(), 'x.safetensors')
    const tensors = [{ name: 'main.0.weight', dtype: 'F32', shape: [1] }]
    const options =
      '{"format": 1, "images": 1, "options": {"model": "dcgan", "variant": "chainer", "size": 7, "sizee": 1}}'
    await writeSafetensors(path, tensors, async () => new Uint8Array(4), { [exportedKey]: options })
    await expect(openImported([path], {}, 'sample')).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: expect.stringMatching(/size.*\n.*|sizee/),
    })
    await expect(openImported([path], {})).rejects.toMatchObject({
      code: 'IMPORT_UNSUPPORTED',
      message: expect.stringContaining('can be sampled, not trained on'),
    })
  })
})
