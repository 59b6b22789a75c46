/** Networks as text: those of a PGAN as PyTorch prints the zoo's, and any other's as a table of its layers. */
import type { ResolvedTrainOptions, RunDescription } from '../index.ts'
import { table } from './format.ts'

type Layers = RunDescription['layers']

export const layerLines = (layers: Layers): string[] => [
  'layers',
  ...table(
    layers.map(({ name, operation, shape, parameters }) => [name, operation, shape.join('x'), parameters]),
    '  ',
  ),
]

/** A module as PyTorch prints it: a line, or its name around its children. */
type Module = string | { readonly name: string; readonly children: readonly (readonly [name: string, Module])[] }

function moduleLines(module: Module, before = '', indent = ''): string[] {
  if (typeof module === 'string') return [`${indent}${before}${module}`]
  if (module.children.length === 0) return [`${indent}${before}${module.name}()`]
  const inner = module.children.flatMap(([name, child]) => moduleLines(child, `(${name}): `, `${indent}  `))
  return [`${indent}${before}${module.name}(`, ...inner, `${indent})`]
}

const list = (modules: readonly Module[]): Module => ({
  name: 'ModuleList',
  children: modules.map((module, i) => [String(i), module]),
})

function conv(from: number, to: number, side: number): Module {
  const padding = side === 3 ? ', padding=(1, 1)' : ''
  const text = `Conv2d(${from}, ${to}, kernel_size=(${side}, ${side}), stride=(1, 1)${padding})`
  return { name: 'EqualizedConv2d', children: [['module', text]] }
}

const linear = (from: number, to: number): Module => ({
  name: 'EqualizedLinear',
  children: [['module', `Linear(in_features=${from}, out_features=${to}, bias=True)`]],
})

const ACTIVATION = 'LeakyReLU(negative_slope=0.2)'

/** Children in the order in which the zoo's classes register them, which is not that of execution. */
function pganModules({
  size,
  channels,
  latent,
  widths,
  minibatchStd,
}: Extract<ResolvedTrainOptions, { model: 'pgan' }>) {
  const used = widths.slice(0, Math.log2(size) - 1)
  const first = used[0]!
  const scales = used.slice(1).map((width, i) => ({ width, below: used[i]! }))
  const generator: Module = {
    name: 'GNet',
    children: [
      ['scaleLayers', list(scales.map(({ width, below }) => list([conv(below, width, 3), conv(width, width, 3)])))],
      ['toRGBLayers', list(used.map((width) => conv(width, channels, 1)))],
      ['formatLayer', linear(latent, 16 * first)],
      ['groupScale0', list([conv(first, first, 3)])],
      ['leakyRelu', ACTIVATION],
      ['normalizationLayer', 'NormalizationLayer()'],
    ],
  }
  const discriminator: Module = {
    name: 'DNet',
    children: [
      ['scaleLayers', list(scales.map(({ width, below }) => list([conv(width, width, 3), conv(width, below, 3)])))],
      ['fromRGBLayers', list(used.map((width) => conv(channels, width, 1)))],
      ['mergeLayers', list([])],
      ['decisionLayer', linear(first, 1)],
      ['groupScaleZero', list([conv(first + (minibatchStd ? 1 : 0), first, 3), linear(16 * first, first)])],
      ['leakyRelu', ACTIVATION],
    ],
  }
  return [generator, discriminator]
}

/** The networks of a model in the form in which their source shows them. */
export function networkLines(options: ResolvedTrainOptions, layers: Layers): string[] {
  if (options.model !== 'pgan') return layerLines(layers)
  return pganModules(options).flatMap((network) => moduleLines(network))
}
