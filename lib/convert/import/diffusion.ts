/** A diffusion model in a file of denoising-diffusion-pytorch: a Trainer's checkpoint, or GaussianDiffusion's state dict. */

import { adamMoment, adamStep, averaged, emaInitted, emaStep } from '../../checkpoint/state-names.ts'
import { channelsGiven } from '../../options/condition.ts'
import { Dict, List, Tensor } from '../../pytorch/values.ts'
import { requireTensors } from './expect.ts'
import type { Entry, Found, Parts, Purpose } from './parts.ts'
import {
  integers,
  numbersOf,
  type ReadTensor,
  readAs,
  type State,
  type Stored,
  scalarOf,
  unsupported,
  within,
} from './state.ts'
import { p2WeightingOf, scheduleOf, snrOf, type Weighting, weightingOf } from './tables.ts'
import { expectedDiffusion, inferUnet, type UnetShape, weightTable } from './unet.ts'

type Given = Readonly<Record<string, unknown>>

/** Whether a state dict is one of GaussianDiffusion, or of a U-Net at all. */
export const isDiffusion = (state: State): boolean =>
  [...state.keys()].some((name) => /^(model\.)?(init_conv|final_conv|time_mlp)\b/.test(name) || name === 'betas')

const F32 = 'F32'

/** A tensor under another name, as single precision. */
const renamed = (name: string, stored: Stored): Entry => ({
  name,
  dtype: F32,
  shape: stored.shape,
  read: () => readAs(stored, F32),
})

const counter = (name: string, value: number): Entry => ({
  name,
  dtype: 'I64',
  shape: [1],
  read: async () => integers(value),
})

type Tables = { facts: Record<string, unknown>; notes: string[] }

/** Schedule, objective and loss weight, from the tables; `given` may name what they do not show. */
async function readTables(path: string, state: State, { variant }: UnetShape, given: Given): Promise<Tables> {
  const table = async (name: string) => {
    const stored = state.get(name)!
    return numbersOf(stored.dtype, await stored.read())
  }
  const betas = await table('betas')
  const facts: Record<string, unknown> = { timesteps: betas.length }
  const notes: string[] = []
  const schedule = scheduleOf(betas)
  if (schedule) facts.schedule = schedule
  else if (given.schedule === undefined)
    throw unsupported(
      path,
      'has betas of no known schedule (linear, cosine, sigmoid with their usual constants). Give schedule to keep them under the name of one',
    )
  else notes.push(`The betas are those of the file; no known schedule gives them, "${given.schedule}" is a name only.`)
  const snr = snrOf(await table('alphas_cumprod'), await table('log_one_minus_alphas_cumprod'))
  const weights = await table(weightTable(variant))
  const weighting: Weighting | undefined = variant === '0.26' ? p2WeightingOf(weights, snr) : weightingOf(weights, snr)
  if (weighting) Object.assign(facts, weighting)
  else notes.push(`The weights of the loss are those of the file; no known formula gives them.`)
  return { facts, notes }
}

/** Averaged weights, or the weights themselves where the file has no average. */
async function readEma(
  { path, states, root, read }: Parts,
  model: readonly Entry[],
): Promise<{ entries: Entry[]; note?: string }> {
  const state = states.get('ema')
  const ema = root?.get('ema')
  if (!state || !(ema instanceof Dict)) {
    return {
      entries: [
        counter(emaStep, 0),
        counter(emaInitted, 0),
        ...model.map((entry) => ({ ...entry, name: averaged(entry.name), copied: true })),
      ],
      note: 'The file has no averaged weights: the average begins with the weights as they are.',
    }
  }
  const average = within(state, 'ema_model.')
  requireTensors(path, 'averaged weights (ema.ema_model) of the same network', average, model)
  const [step, initted] = await Promise.all(
    ['step', 'initted'].map((name) => scalarOf(path, `ema.${name}`, ema.get(name), read)),
  )
  return {
    entries: [
      counter(emaStep, step!),
      counter(emaInitted, initted === 0 ? 0 : 1),
      ...model.map(({ name }) => renamed(averaged(name), average.get(name)!)),
    ],
  }
}

type Optimizer = { entries: Entry[]; settings: Record<string, unknown> }

/** Adam's state: moments by the number of the parameter, which counts in the order of the state dict. */
async function readAdam(
  path: string,
  opt: Dict,
  parameters: readonly Entry[],
  read: ReadTensor,
): Promise<Optimizer | undefined> {
  const [state, groups] = [opt.get('state'), opt.get('param_groups')]
  const group = groups instanceof List && groups.items.length === 1 ? groups.items[0] : undefined
  if (!(state instanceof Dict) || !(group instanceof Dict))
    throw unsupported(path, 'has an optimizer that is not one Adam over one group of parameters')
  for (const [name, expected] of [
    ['eps', 1e-8],
    ['weight_decay', 0],
    ['amsgrad', false],
    ['maximize', false],
  ] as const) {
    const came = group.get(name)
    if (came !== undefined && came !== expected)
      throw unsupported(path, `has an Adam with ${name} ${String(came)}, but only ${expected} can be imported`)
  }
  const betas = group.get('betas')
  const pair = betas && typeof betas === 'object' && 'items' in betas ? betas.items : []
  const settings = { lr: group.get('lr'), betas: pair }
  if (state.size === 0) return { entries: [], settings }
  if (state.size !== parameters.length)
    throw unsupported(path, `has an optimizer of ${state.size} parameters, but the network has ${parameters.length}`)
  return { entries: await readMoments(path, state, parameters, read), settings }
}

async function readMoments(
  path: string,
  state: Dict,
  parameters: readonly Entry[],
  read: ReadTensor,
): Promise<Entry[]> {
  const entries: Entry[] = []
  let steps: number | undefined
  for (const [i, { name, shape }] of parameters.entries()) {
    const own = state.get(i)
    const moments = ['exp_avg', 'exp_avg_sq'].map((kind) => (own instanceof Dict ? own.get(kind) : undefined))
    for (const [k, moment] of moments.entries()) {
      const kind = k === 0 ? 'exp_avg' : 'exp_avg_sq'
      if (!(moment instanceof Tensor) || String(moment.shape) !== String(shape))
        throw unsupported(path, `has no ${kind} of shape [${shape}] for ${name} in its optimizer`)
      entries.push(
        renamed(adamMoment(kind, name), { dtype: moment.dtype, shape: moment.shape, read: () => read(moment) }),
      )
    }
    const step = await scalarOf(path, `the step of ${name}`, (own as Dict).get('step'), read)
    steps ??= step
    if (step !== steps)
      throw unsupported(path, `has an optimizer that took ${steps} steps for some parameters and ${step} for ${name}`)
  }
  return [counter(adamStep, steps ?? 0), ...entries]
}

const isSettings = ({ lr, betas }: Given) =>
  typeof lr === 'number' &&
  Array.isArray(betas) &&
  betas.length === 2 &&
  betas.every((beta) => typeof beta === 'number')

const versionNotes: Readonly<Record<UnetShape['variant'], string>> = {
  '0.26':
    'Files of 0.22 to 0.26.4 look alike; this one is taken for one of 0.26.4, whose attentions compute differently from those before 0.26.',
  '2.3': 'Files of 2.0 to 2.3 look alike and compute alike.',
}

/** Reads a Trainer's checkpoint, or a state dict alone. Throws IMPORT_UNSUPPORTED. */
export async function findDiffusion(parts: Parts, given: Given, purpose: Purpose): Promise<Found> {
  const { path, root, states, read } = parts
  const trainer = states.get('model')
  const state = trainer ?? states.get('')!
  const shape = inferUnet(path, state, channelsGiven(parts.exported?.options ?? {}))
  // What the labels are, options in the file say.
  const { labelWidth: _, given: __, ...own } = shape
  const { variant, dim, dimMults } = shape
  const timesteps = state.get('betas')?.shape[0]
  if (timesteps === undefined)
    throw unsupported(
      path,
      'has no tensor betas: it holds a U-Net alone. Save the state_dict of the GaussianDiffusion around it',
    )
  const network = `the "${variant}" U-Net with dim ${dim} and dimMults ${dimMults.join(',')} and its GaussianDiffusion`
  const expected = expectedDiffusion(shape, timesteps)
  requireTensors(path, network, state, expected)
  const { facts, notes } = await readTables(path, state, shape, given)
  // In the order of the file, which is that of its optimizer.
  const model = [...state].map(([name, stored]) => renamed(name, stored))
  const ema = await readEma(parts, model)
  const opt = root?.get('opt')
  const parameters = model.filter(({ name }) => name.startsWith('model.'))
  // Whoever samples has no use for the optimizer, whatever it is.
  const resumes = trainer && purpose === 'train' && opt instanceof Dict
  const adam = resumes ? await readAdam(path, opt, parameters, read) : undefined
  const updates = trainer ? await scalarOf(path, 'step', root!.get('step'), read) : 0
  if (!Number.isSafeInteger(updates) || updates < 0) throw unsupported(path, `has the step ${updates}`)
  const version = root?.get('version')
  return {
    facts: { model: 'diffusion', ...own, ...facts },
    settings: adam && isSettings(adam.settings) ? adam.settings : {},
    notes: [
      typeof version === 'string'
        ? `Saved by denoising-diffusion-pytorch ${version.slice(0, 20)}.`
        : versionNotes[variant],
      ...notes,
      ...(ema.note ? [ema.note] : []),
      ...(adam && adam.entries.length > 0 ? [] : ['The file has no optimizer state: Adam begins anew.']),
    ],
    updates,
    tensors: [...model, ...ema.entries, ...(adam?.entries ?? [])],
  }
}
