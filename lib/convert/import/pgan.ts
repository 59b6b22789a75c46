/** A PGAN of pytorch_GAN_zoo in a file: generator, discriminator, averaged generator, and the settings beside them. */
import { basename } from 'node:path'
import { averaged } from '../../checkpoint/state-names.ts'
import { pgan } from '../../models/pgan.ts'
import { Dict, List, type Value } from '../../pytorch/values.ts'
import { type Expected, requireTensors } from './expect.ts'
import type { Entry, Found, Parts } from './parts.ts'
import { requireNamedHash } from './pgan-hub.ts'
import { numbersOf, readAs, type State, unsupported } from './state.ts'

/** Whether a state dict is the zoo's generator. */
export const isPgan = (state: State): boolean => state.has('formatLayer.weight') && state.has('toRGBLayers.0.weight')

type Shape = { size: number; channels: number; latent: number; widths: number[] }

/** Reads the form of a generator off its tensors. */
function inferShape(path: string, state: State): Shape {
  const scales = [...state.keys()].filter((name) => /^toRGBLayers\.\d+\.weight$/.test(name)).length
  const rgb = Array.from({ length: scales }, (_, i) => state.get(`toRGBLayers.${i}.weight`)?.shape ?? [])
  const [, latent = 0] = state.get('formatLayer.weight')!.shape
  if (scales < 2 || scales > 8)
    throw unsupported(path, `holds a PGAN of ${4 * 2 ** (scales - 1)} pixels; those of 8 to 512 are known`)
  return { size: 4 * 2 ** (scales - 1), channels: rgb[0]![0] ?? 0, latent, widths: rgb.map((sides) => sides[1] ?? 0) }
}

const layer = (name: string, ...shape: number[]): Expected[] => [
  { name: `${name}.weight`, dtype: 'F32', shape },
  { name: `${name}.bias`, dtype: 'F32', shape: [shape[0]!] },
]

/** The tensors of a generator, by their names without wrappings. */
function generatorTensors({ channels, latent, widths }: Shape): Expected[] {
  const [first] = widths as [number, ...number[]]
  return [
    ...widths
      .slice(1)
      .flatMap((width, i) => [
        ...layer(`scaleLayers.${i}.0`, width, widths[i]!, 3, 3),
        ...layer(`scaleLayers.${i}.1`, width, width, 3, 3),
      ]),
    ...widths.flatMap((width, i) => layer(`toRGBLayers.${i}`, channels, width, 1, 1)),
    ...layer('formatLayer', 16 * first, latent),
    ...layer('groupScale0.0', first, first, 3, 3),
  ]
}

function discriminatorTensors({ channels, widths }: Shape, minibatchStd: boolean): Expected[] {
  const [first] = widths as [number, ...number[]]
  return [
    ...widths
      .slice(1)
      .flatMap((width, i) => [
        ...layer(`scaleLayers.${i}.0`, width, width, 3, 3),
        ...layer(`scaleLayers.${i}.1`, widths[i]!, width, 3, 3),
      ]),
    ...widths.flatMap((width, i) => layer(`fromRGBLayers.${i}`, width, channels, 1, 1)),
    ...layer('decisionLayer', 1, first),
    ...layer('groupScaleZero.0', first, first + (minibatchStd ? 1 : 0), 3, 3),
    ...layer('groupScaleZero.1', first, 16 * first),
  ]
}

/** The name that a tensor has here: the zoo keeps each layer in an attribute "module" of one that scales it. */
const nameOf = (network: string, name: string) => `${network}.${name.replace(/\.(weight|bias)$/, '.module.$1')}`

function entriesOf(network: string, state: State, expected: readonly Expected[]): Entry[] {
  return expected.map(({ name, dtype, shape }) => ({
    name: nameOf(network, name),
    dtype,
    shape,
    read: () => readAs(state.get(name)!, dtype),
  }))
}

/** Whether networks of these settings are not those that are known here, and which settings say so. */
function strangeSettings(config: Dict, { widths, latent }: Shape): string[] {
  const others = config.get('depthOtherScales')
  const depths = [config.get('depthScale0'), ...(others instanceof List ? others.items : [])]
  const wrong = (name: string, right: (value: Value) => boolean) => {
    const value = config.get(name)
    return value === undefined || right(value) ? [] : [`${name} ${JSON.stringify(value)}`]
  }
  return [
    ...wrong('perChannelNormalization', (value) => value === true),
    ...wrong('equalizedlR', (value) => value === true),
    ...wrong('leakyReluLeak', (value) => value === 0.2),
    ...wrong('categoryVectorDim', (value) => value === 0),
    ...wrong('lossCriterion', (value) => value === 'WGANGP' || value === 'Logistic'),
    ...wrong('latentVectorDim', (value) => value === latent),
    ...(others === undefined || JSON.stringify(depths) === JSON.stringify(widths)
      ? []
      : [`depthScale0 and depthOtherScales ${JSON.stringify(depths)}`]),
  ]
}

/** A setting that is a number within bounds. */
function numberOf(path: string, config: Dict, name: string, most: number): number | undefined {
  const value = config.get(name)
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !(value >= 0 && value <= most))
    throw unsupported(path, `has ${JSON.stringify(value)} as ${name}, where a number from 0 to ${most} was expected`)
  return value
}

/** Images after which training is at the last scale and at this share of the one before, by the zoo's schedule. */
function imagesAt(path: string, { widths }: Shape, alpha: number): number {
  const { scaleImages, fadeImages, batch } = pgan.defaults.zoo
  const before = scaleImages * (widths.length - 1.5)
  const iterations = /_i(\d{1,7})(?:-[0-9a-f]{8})?\.pth$/.exec(basename(path))?.[1]
  return before + (iterations === undefined ? Math.round((1 - alpha) * fadeImages) : Number(iterations) * batch)
}

/** How far the networks have grown, as the buffer that they are saved with here. */
const stageEntry = (name: string, scale: number, alpha: number): Entry => ({
  name,
  dtype: 'F32',
  shape: [2],
  copied: true,
  read: async () => new Uint8Array(Float32Array.of(scale, alpha).buffer),
})

/** The stage that an exported generator says itself; a file of the zoo has alpha among its settings. */
async function stageOf(
  path: string,
  state: State,
  config: Dict,
  last: number,
): Promise<{ scale: number; alpha: number }> {
  const stored = state.get('stage')
  if (!stored) return { scale: last, alpha: numberOf(path, config, 'alpha', 1) ?? 0 }
  if (stored.dtype !== 'F32' || stored.shape.join() !== '2')
    throw unsupported(path, `has a stage of ${stored.dtype} [${stored.shape.join(', ')}], not F32 [2]`)
  const [scale = 0, alpha = 0] = numbersOf('F32', await stored.read())
  return { scale, alpha }
}

const withoutStage = (state: State): State => new Map([...state].filter(([name]) => name !== 'stage'))

/** Reads the networks of a file. Throws IMPORT_UNSUPPORTED, and PYTORCH_INVALID where its name promises another hash. */
export async function findPgan({ path, states, root }: Parts): Promise<Found> {
  await requireNamedHash(path)
  const found = states.get('netG') ?? states.get('avgG') ?? states.get('')
  if (!found || !isPgan(found)) throw unsupported(path, 'holds no generator of a PGAN as netG, as avgG or alone')
  const config = root?.get('config') instanceof Dict ? (root.get('config') as Dict) : new Dict()
  const shape = inferShape(path, found)
  const strange = strangeSettings(config, shape)
  if (strange.length > 0)
    throw unsupported(path, `holds a PGAN with settings that are not known here: ${strange.join(', ')}`)
  const { scale, alpha } = await stageOf(path, found, config, shape.widths.length - 1)
  const generator = withoutStage(found)
  const wanted = generatorTensors(shape)
  requireTensors(path, `the generator of a PGAN of ${shape.size} pixels`, generator, wanted)
  const average = states.has('netG') ? states.get('avgG') : undefined
  if (average) requireTensors(path, 'an averaged generator like its generator', average, wanted)
  const discriminator = states.get('netD')
  const minibatchStd = discriminator?.get('groupScaleZero.0.weight')?.shape[1] !== shape.widths[0]
  const judged = discriminatorTensors(shape, minibatchStd)
  if (discriminator) requireTensors(path, 'a discriminator like its generator', discriminator, judged)
  const settings = {
    lr: numberOf(path, config, 'learningRate', 1),
    gradientPenalty: numberOf(path, config, 'lambdaGP', 1000),
    driftPenalty: numberOf(path, config, 'epsilonD', 1000),
  }
  const { size, channels, latent, widths } = shape
  return {
    facts: {
      model: 'pgan',
      size,
      channels,
      latent,
      widths,
      ...(discriminator ? { minibatchStd } : {}),
      ...(average ? {} : { emaDecay: null }),
    },
    settings: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    notes: [
      ...(alpha > 0 ? [`The last scale is not wholly faded in: alpha is ${alpha}.`] : []),
      ...(discriminator ? [] : ['There is no discriminator: it begins anew where training goes on.']),
      'Files of the zoo hold no optimizer state: Adam begins anew.',
    ],
    updates: 0,
    images: imagesAt(path, shape, alpha),
    tensors: [
      stageEntry('generator.stage', scale, alpha),
      ...entriesOf('generator', generator, wanted),
      ...(discriminator ? entriesOf('discriminator', discriminator, judged) : []),
      ...(average
        ? [
            stageEntry(averaged('generator.stage'), scale, alpha),
            ...entriesOf('generator', average, wanted).map((entry) => ({ ...entry, name: averaged(entry.name) })),
          ]
        : []),
    ],
  }
}
