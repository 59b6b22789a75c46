import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { drawPictures, sharedFolder } from '../helpers/runs.ts'
import { fixture } from '../helpers/torch-files.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
// The README first: the other pages load what it has trained. The code of embedding.md and serving.md is that of docs/examples.
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((file) => file.endsWith('.md') && !['embedding.md', 'serving.md'].includes(file))
    .map((file) => `docs/${file}`),
]
const blocks = pages.flatMap((page) =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/^```(?:js|ts)\n(.*?)^```/gms)].map((match) => ({
    page,
    code: match[1]!,
  })),
)

// One folder for all blocks, in their order.
describe('the code of the README and of docs/ runs as it is written', () => {
  const folder = sharedFolder()
  beforeAll(async () => {
    mkdirSync(join(folder, 'node_modules'))
    symlinkSync(root, join(folder, 'node_modules', 'shinsaku'))
    symlinkSync(join(root, 'node_modules', 'onnxruntime-node'), join(folder, 'node_modules', 'onnxruntime-node'))
    writeFileSync(join(folder, 'model-10.pt'), fixture('ddpm-2.3.4.pt'))
    await drawPictures(join(folder, 'icons'), 12)
    const names = readdirSync(join(folder, 'icons'))
    writeFileSync(
      join(folder, 'icons.csv'),
      ['file,hair,glasses,smiling,girl']
        .concat(
          names.map(
            (name, i) =>
              `${name},${i % 3 === 0 ? 'red' : 'black'},${i % 2},${i % 4 === 0 ? 1 : 0},${i % 5 === 0 ? 1 : 0}`,
          ),
        )
        .join('\n'),
    )
    for (const name of ['photo.png', 'mask.png']) copyFileSync(join(folder, 'icons', names[0]!), join(folder, name))
  })

  /** What the examples train in minutes is trained in seconds here, at the size that is chosen for minutes. */
  const shortened = (code: string) => code.replace(/time: '\w+'/g, "time: '4s', size: 32")

  test('there is some', () => expect(blocks.length).toBeGreaterThan(7))

  test.each(
    blocks.map(({ page, code }, index) => ({
      index,
      page,
      title: code.split('\n').find((line) => !line.startsWith('import') && line !== ''),
      code,
    })),
  )('$page, block $index: $title', async ({ index, code }) => {
    const file = join(folder, `block-${index}.mjs`)
    writeFileSync(file, shortened(code))
    const { stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder })
    expect(stderr).not.toContain('Warning: Detected unsettled top-level await')
  })
})
