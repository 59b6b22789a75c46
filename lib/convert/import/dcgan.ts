/** The networks of the DCGAN example of PyTorch in files: netG.pth and netD.pth. */
import { type Expected, requireTensors } from './expect.ts'
import type { Entry, Found, Parts } from './parts.ts'
import { integers, readAs, type State, unsupported } from './state.ts'

type Network = 'generator' | 'discriminator'
type Shape = { size: number; width: number; channels: number; latent?: number }

const LAYER = /^main\.(\d+)\.weight$/

/** Whether a state dict is one of the example's networks. */
export const isDcgan = (state: State): boolean => state.has('main.0.weight')

/** A batch norm follows the generator's first layer, but not the discriminator's. */
const networkOf = (state: State): Network => (state.has('main.1.weight') ? 'generator' : 'discriminator')

const COUNTER = 'num_batches_tracked'

function norm(name: string, units: number): Expected[] {
  const each = ['weight', 'bias', 'running_mean', 'running_var'].map((part) => ({
    name: `${name}.${part}`,
    dtype: 'F32',
    shape: [units],
  }))
  return [...each, { name: `${name}.${COUNTER}`, dtype: 'I64', shape: [] }]
}

const weight = (layer: number, ...shape: number[]): Expected => ({ name: `main.${layer}.weight`, dtype: 'F32', shape })

/** Reads the form of a network off its tensors, and lists what it must hold. */
function inferNetwork(path: string, network: Network, state: State): { shape: Shape; expected: Expected[] } {
  const sides = (layer: number) => {
    const shape = state.get(`main.${layer}.weight`)?.shape
    if (shape?.length !== 4)
      throw unsupported(path, `has no convolution main.${layer}.weight, which the ${network} of a DCGAN needs`)
    return shape as readonly [number, number, number, number]
  }
  const last = Math.max(...[...state.keys()].map((name) => Number(LAYER.exec(name)?.[1] ?? -1)))
  const generating = network === 'generator'
  const stages = generating ? last / 3 : (last + 1) / 3
  const stem = generating ? sides(0)[2] : sides(last)[2]
  const size = stem * 2 ** stages
  if (!Number.isInteger(stages) || stages < 2 || ![32, 64, 96, 128].includes(size) || (size === 96) !== (stem === 6))
    throw unsupported(
      path,
      `holds a ${network} whose last layer is main.${last} and whose smallest map is ${stem} pixels wide; DCGANs of 32, 64, 96 and 128 pixels are known`,
    )
  const width = generating ? sides(last)[0] : sides(0)[0]
  const channels = sides(generating ? last : 0)[1]
  const latent = sides(0)[0]
  const expected: Expected[] = []
  for (let i = 0; i <= stages; i++) {
    const outer = generating ? width * 2 ** (stages - 1 - i) : width * 2 ** i
    if (generating) {
      const input = i === 0 ? latent : width * 2 ** (stages - i)
      const side = i === 0 ? stem : 4
      expected.push(weight(3 * i, input, i === stages ? channels : outer, side, side))
      if (i < stages) expected.push(...norm(`main.${3 * i + 1}`, outer))
    } else {
      const input = i === 0 ? channels : width * 2 ** (i - 1)
      const side = i === stages ? stem : 4
      expected.push(weight(i === 0 ? 0 : 3 * i - 1, i === stages ? 1 : outer, input, side, side))
      if (i > 0 && i < stages) expected.push(...norm(`main.${3 * i}`, outer))
    }
  }
  return { shape: { size, width, channels, ...(generating ? { latent } : {}) }, expected }
}

/** PyTorch before 0.4.1 did not count batches. */
function withCounters(state: State, expected: readonly Expected[]): State {
  const missing = expected.filter(({ name }) => name.endsWith(COUNTER) && !state.has(name))
  return new Map([
    ...state,
    ...missing.map(({ name }) => [name, { dtype: 'I64', shape: [], read: async () => integers(0) }] as const),
  ])
}

type Part = { path: string; network: Network; shape: Shape; entries: Entry[] }

function readNetwork(path: string, found: State): Part {
  const network = networkOf(found)
  const { shape, expected } = inferNetwork(path, network, found)
  const state = withCounters(found, expected)
  requireTensors(path, `the ${network} of a DCGAN of ${shape.size} pixels and width ${shape.width}`, state, expected)
  const entries = expected.map(({ name, dtype, shape: sides }) => ({
    name: `${network}.${name}`,
    dtype,
    shape: sides,
    read: () => readAs(state.get(name)!, dtype),
  }))
  return { path, network, shape, entries }
}

/** Reads one or both networks. Throws IMPORT_UNSUPPORTED. */
export function findDcgan(files: readonly Parts[]): Found {
  const parts = files.flatMap(({ path, states }) =>
    [...states.values()].filter(isDcgan).map((state) => readNetwork(path, state)),
  )
  const generators = parts.filter(({ network }) => network === 'generator')
  const discriminators = parts.filter(({ network }) => network === 'discriminator')
  const [generator] = generators
  const [discriminator] = discriminators
  const paths = files.map(({ path }) => path).join(' and ')
  if (!generator || generators.length > 1 || discriminators.length > 1)
    throw unsupported(
      paths,
      `hold ${generators.length} generators and ${discriminators.length} discriminators; one generator, and at most one discriminator, were expected`,
    )
  if (discriminator) {
    for (const name of ['size', 'width', 'channels'] as const) {
      if (generator.shape[name] !== discriminator.shape[name])
        throw unsupported(
          paths,
          `do not belong together: ${name} is ${generator.shape[name]} for the generator, but ${discriminator.shape[name]} for the discriminator`,
        )
    }
  }
  return {
    facts: { model: 'dcgan', variant: 'pytorch', ...generator.shape, emaDecay: null },
    settings: {},
    notes: [
      ...(discriminator ? [] : ['There is no discriminator: it begins anew where training goes on.']),
      'The files of the example hold no optimizer state: Adam begins anew.',
    ],
    updates: 0,
    tensors: [...generator.entries, ...(discriminator?.entries ?? [])],
  }
}
