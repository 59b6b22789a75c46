/** Pictures of which nothing is seen but the background: used, and said. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../helpers/folder.ts'
import { type Colour, datasetOptions, flat, loadPixels, RED } from '../../helpers/pictures.ts'

async function folderOf(pictures: Readonly<Record<string, Colour>>): Promise<string> {
  const root = temporaryFolder()
  for (const [name, colour] of Object.entries(pictures))
    await writeFile(join(root, name), await flat(colour, 12).png().toBuffer())
  return root
}

test.each([1, 3, 4] as const)(
  'wholly transparent pictures are said, with %i channels, also from the cache; others of one colour are not',
  async (channels) => {
    const clear: Colour = [255, 255, 255, 0]
    const root = await folderOf({
      'a.png': clear,
      'b.png': [255, 255, 255, 255],
      'c.png': [9, 9, 9, 1],
      'd.png': RED,
    })
    await writeFile(join(root, 'e.webp'), await flat([0, 0, 0, 0], 12).webp({ lossless: true }).toBuffer())
    await writeFile(join(root, 'f.png'), await flat([80, 0], 12).png().toBuffer())
    const cacheFolder = temporaryFolder()
    for (let i = 0; i < 2; i++) {
      const { warnings, manifest } = await loadPixels(datasetOptions(root, { channels }), { cacheFolder })
      expect(warnings.join('\n')).toContain(
        'Wholly transparent, so that only the background is seen: 3 pictures: a.png, e.webp, f.png.',
      )
      expect(warnings.join('\n')).toContain('one colour only 3 (b.png, c.png, d.png)')
      expect(manifest.files.map(({ transparent }) => transparent === true)).toEqual([
        true,
        false,
        false,
        false,
        true,
        true,
      ])
    }
    expect(
      (await loadPixels(datasetOptions(await folderOf({ 'a.png': RED })), { cacheFolder })).warnings.join('\n'),
    ).not.toContain('transparent')
  },
)
