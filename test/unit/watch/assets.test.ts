/** The page's script as one text. */
import { Script } from 'node:vm'
import { expect, test } from 'vitest'
import { chartStyle, joined, pageScript } from '../../../lib/watch/assets.ts'

test('is uPlot and our modules, without imports, and no name is declared twice', async () => {
  const script = await pageScript()
  expect(script).toContain('uPlot')
  expect(script).not.toMatch(/^(import|export)\s/m)
  expect(script).not.toMatch(/<\/script/i)
  expect(() => new Script(`(async () => {${script}})`)).not.toThrow()
  expect(await chartStyle()).toContain('.uplot')
})

test('joins imports over several lines, with and without semicolons', () => {
  const texts = [
    "import {\n  a,\n} from './a.mjs'\nexport const b = a\n",
    "import { b } from './b.mjs';\nexport class C {}\n",
  ]
  expect(joined(texts)).toBe('const b = a\n\nclass C {}\n')
})
