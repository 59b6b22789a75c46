/** State dicts of networks that were wrapped before they were saved. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openParts } from '../../../lib/convert/import/parts.ts'
import { writeSafetensors } from '../../../lib/safetensors/safetensors.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { stateFile } from '../../helpers/torch-files.ts'

const wrappings: [string, (name: string) => string][] = [
  ['a network for several GPUs', (name) => `module.${name}`],
  ['torch.compile', (name) => `_orig_mod.${name}`],
  ['torch.compile of several GPUs', (name) => `_orig_mod.module.${name}`],
  ['several GPUs of torch.compile', (name) => `module._orig_mod.${name}`],
  ['torch.compile of the U-Net alone', (name) => name.replace(/^model\./, 'model._orig_mod.')],
  ['all at once', (name) => `module.module._orig_mod.${name.replace(/^model\./, 'model.module._orig_mod.')}`],
]

/** Names in a file of torch.save, and in a safetensors file, of tensors with these names. */
async function namesOf(names: readonly string[]): Promise<string[]> {
  const tensors = names.map((name) => ({ name, dtype: 'F32', shape: [1] }))
  const path = join(temporaryFolder(), 'x.safetensors')
  await writeSafetensors(path, tensors, async () => new Uint8Array(4))
  const [own, other] = await Promise.all(
    [stateFile(tensors), path].map(async (file) => {
      const { states, close } = await openParts(file)
      await close()
      return [...states.get('')!.keys()]
    }),
  )
  expect(own!.sort()).toEqual(other!.sort())
  return own!
}

const plain = ['betas', 'model.init_conv.weight', 'model.downs.0.weight'].sort()

test.each(wrappings)('names of %s are those of the network in it', async (_, wrap) => {
  expect(await namesOf(plain.map(wrap))).toEqual(plain)
})

test('the counter of an AveragedModel is passed over; without its prefix it is not', async () => {
  for (const prefix of ['module.', 'module._orig_mod.', '_orig_mod.module.'])
    expect(await namesOf(['n_averaged', ...plain.map((name) => prefix + name)])).toEqual(plain)
  expect(await namesOf(['n_averaged', ...plain])).toEqual([...plain, 'n_averaged'].sort())
})

test('two names that are one without their wrapping are refused', async () => {
  await expect(namesOf([...plain, 'module.betas'])).rejects.toMatchObject({
    code: 'IMPORT_UNSUPPORTED',
    message: expect.stringContaining('"betas" twice'),
  })
})
