/** What callers' editors and compilers know of options: kinds of model apart, durations, and what each option means. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Model, ResolvedTrainOptions, SampleOptions, TrainOptions } from '../../../lib/index.ts'
import type { models } from '../../../lib/models/table.ts'
import type { CommonTrainGiven, DcganTrainGiven, DiffusionTrainGiven } from '../../../lib/options/given.ts'
import type { trainSpecs } from '../../../lib/options/train.ts'
import type { Duration } from '../../../lib/options/values.ts'

const given = (options: TrainOptions) => options
const sampled = (options: SampleOptions) => options

describe('a kind of model has its own options only', () => {
  test('of train()', () => {
    given({ size: 32, dim: 16, recipe: 'ozaki2022' })
    given({ model: 'dcgan', latent: 50, recipe: 'dcgan-chainer96' })
    given({ recipe: 'dcgan-pytorch', width: 32 })
    // @ts-expect-error: a DCGAN has no dim
    given({ model: 'dcgan', dim: 16 })
    // @ts-expect-error: nor has a diffusion model a latent vector
    given({ latent: 50 })
    // @ts-expect-error: a recipe is of one kind
    given({ model: 'dcgan', recipe: 'ozaki2022' })
    // @ts-expect-error: no such option
    given({ sizee: 1 })
  })

  test('of model.sample()', () => {
    sampled({ steps: 5, eta: 1 })
    sampled({ batchNorm: 'batch', count: 4 })
    // @ts-expect-error: no model has both
    sampled({ batchNorm: 'batch', steps: 5 })
  })

  test('of model.options, which narrow', () => {
    const dimOf = (options: Model['options']) =>
      options.model === 'diffusion' ? options.dim : options.model === 'classifier' ? options.units : options.latent
    expectTypeOf(dimOf).returns.toEqualTypeOf<number>()
    type Dcgan = Extract<ResolvedTrainOptions, { model: 'dcgan' }>
    expectTypeOf<Dcgan['dim']>().toEqualTypeOf<undefined>()
    expectTypeOf<Dcgan['maxTime']>().toEqualTypeOf<number | null>()
  })
})

test('durations are seconds or text with a unit', () => {
  for (const maxTime of [90, '90', '20m', '1.5h', '2d'] satisfies Duration[]) given({ maxTime })
  // @ts-expect-error: no unit of that name
  given({ maxTime: '20 minutes' })
  // @ts-expect-error: not a number
  given({ checkpointTime: 'soon' })
})

test('the documented types are those of the tables, each option once', () => {
  expectTypeOf<keyof CommonTrainGiven>().toEqualTypeOf<keyof typeof trainSpecs>()
  expectTypeOf<keyof DiffusionTrainGiven>().toEqualTypeOf<keyof (typeof models)['diffusion']['specs']>()
  expectTypeOf<keyof DcganTrainGiven>().toEqualTypeOf<keyof (typeof models)['dcgan']['specs']>()
})

test('an editor shows what each option means, where it is given and where it is read', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const file = join(root, 'test/unit/options/hover.ts')
  const text = `import type { Model, TrainOptions } from '../../../lib/index.ts'
export const given: TrainOptions = { size: 32, dim: 16 }
export const read = (model: Model) => model.options.size`
  const host: ts.LanguageServiceHost = {
    getCompilationSettings: () => ({
      strict: true,
      module: ts.ModuleKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      noEmit: true,
    }),
    getScriptFileNames: () => [file],
    getScriptVersion: () => '0',
    getScriptSnapshot: (path) => {
      const content = path === file ? text : ts.sys.readFile(path)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => root,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: (path) => path === file || ts.sys.fileExists(path),
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
  }
  const service = ts.createLanguageService(host)
  const docsAt = (position: number) =>
    ts.displayPartsToString(service.getQuickInfoAtPosition(file, position)?.documentation)
  const size =
    'Side of the square pictures, in pixels. Default: diffusion 128; dcgan 64 (chainer: 96); pgan 128 (small: 32); stylegan2 128; classifier 64.'
  expect(docsAt(text.indexOf('size: 32'))).toBe(size)
  expect(docsAt(text.indexOf('dim: 16'))).toContain('Width of the first stage')
  expect(docsAt(text.lastIndexOf('size'))).toBe(size)
})
