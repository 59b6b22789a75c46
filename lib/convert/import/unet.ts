/** The U-Nets of denoising-diffusion-pytorch as their state dicts show them: what a file's is, and what it must hold. */
import type { Expected } from './expect.ts'
import { type State, unsupported } from './state.ts'

export type UnetShape = {
  variant: '0.26' | '2.3'
  dim: number
  dimMults: number[]
  channels: number
  selfCondition: boolean
  /** Channels of the input that are a condition's. */
  given?: number
  /** Numbers of a row of labels, in files of our own; absent where the network knows none. */
  labelWidth?: number
}

// The packages' defaults, and the only ones known here.
const HEADS = 4
const HEAD_DIM = 32
const MEMORIES = 4
const HIDDEN = HEADS * HEAD_DIM

/** Tables over time that GaussianDiffusion keeps beside the network; the last one's name differs. */
const tables = [
  'betas',
  'alphas_cumprod',
  'alphas_cumprod_prev',
  'sqrt_alphas_cumprod',
  'sqrt_one_minus_alphas_cumprod',
  'log_one_minus_alphas_cumprod',
  'sqrt_recip_alphas_cumprod',
  'sqrt_recipm1_alphas_cumprod',
  'posterior_variance',
  'posterior_log_variance_clipped',
  'posterior_mean_coef1',
  'posterior_mean_coef2',
]

export const weightTable = (variant: UnetShape['variant']): string =>
  variant === '0.26' ? 'p2_loss_weight' : 'loss_weight'

/** Which of the known U-Nets this is. Throws IMPORT_UNSUPPORTED with the versions that a file of another comes from. */
function kindOf(path: string, state: State): UnetShape['variant'] {
  const has = (name: string) => state.has(`model.${name}`)
  const known = 'Known are the U-Nets of denoising-diffusion-pytorch 0.22 to 0.26.4 and 2.0 to 2.3.'
  const refuse = (what: string): never => {
    throw unsupported(path, `holds ${what}. ${known}`)
  }
  if (!has('final_conv.weight') || !has('init_conv.weight') || !has('time_mlp.1.weight')) {
    const names = [...state.keys()].slice(0, 5).join(', ')
    refuse(`no U-Net under "model.": init_conv, time_mlp and final_conv were expected, but it begins with ${names}`)
  }
  if (has('time_mlp.0.weights')) refuse('a U-Net with learned or random Fourier features of time')
  const memory = has('downs.0.2.mem_kv')
  if (memory && has('downs.0.0.block1.norm.g')) return '2.3'
  if (memory) refuse('the U-Net of denoising-diffusion-pytorch 1.9, which has memory keys and group norms')
  if (has('downs.0.2.fn.norm.b')) return '0.26'
  if (has('downs.0.2.fn.norm.g'))
    refuse('the U-Net of denoising-diffusion-pytorch 0.26.5 to 1.8, whose layer norms have no bias')
  return refuse('a U-Net of another kind: downs.0.2 is neither of the known attentions')
}

/** Reads the form of the network off its tensors; `given` channels of its input are a condition's. */
export function inferUnet(path: string, state: State, given = 0): UnetShape {
  const variant = kindOf(path, state)
  const side = (name: string, axis: number): number => {
    const size = state.get(`model.${name}`)?.shape[axis]
    if (!size) throw unsupported(path, `has no tensor model.${name} with ${axis + 1} sides, which its U-Net needs`)
    return size
  }
  const dim = side('time_mlp.1.weight', 1)
  const [input, channels] = [side('init_conv.weight', 1) - given, side('final_conv.weight', 0)]
  if (input !== channels && input !== 2 * channels)
    throw unsupported(
      path,
      `holds a U-Net of ${input} channels in and ${channels} out; out must be equal to in, or half of it for self-conditioning`,
    )
  const dimMults: number[] = []
  for (let i = 0; state.has(`model.downs.${i}.0.mlp.1.weight`); i++) {
    const name = state.has(`model.downs.${i}.3.weight`) ? `downs.${i}.3.weight` : `downs.${i}.3.1.weight`
    dimMults.push(side(name, 0) / dim)
  }
  if (dimMults.length === 0 || !dimMults.every(Number.isInteger))
    throw unsupported(
      path,
      `holds a U-Net whose stages are ${dimMults.join(', ')} times as wide as its ${dim} time features`,
    )
  const labelWidth = state.get('model.label_emb.weight')?.shape[1]
  return {
    variant,
    dim,
    dimMults,
    channels,
    selfCondition: input === 2 * channels,
    ...(given > 0 && { given }),
    ...(labelWidth !== undefined && { labelWidth }),
  }
}

/** All tensors of GaussianDiffusion around such a U-Net, in the order of its state dict. */
export function expectedDiffusion(shape: UnetShape, timesteps: number): Expected[] {
  const buffers = [...tables, weightTable(shape.variant)].map((name) => ({ name, dtype: 'F32', shape: [timesteps] }))
  return [...buffers, ...expectedUnet(shape)]
}

function expectedUnet({
  variant,
  dim,
  dimMults,
  channels,
  selfCondition,
  labelWidth,
  given = 0,
}: UnetShape): Expected[] {
  const modern = variant === '2.3'
  const all: Expected[] = []
  const add = (name: string, ...shape: number[]) => all.push({ name: `model.${name}`, dtype: 'F32', shape })
  const affine = (name: string, out: number, ...rest: number[]) => {
    add(`${name}.weight`, out, ...rest)
    add(`${name}.bias`, out)
  }
  const channelNorm = (name: string, width: number) => {
    add(`${name}.g`, 1, width, 1, 1)
    if (!modern) add(`${name}.b`, 1, width, 1, 1)
  }
  const resnet = (name: string, input: number, out: number) => {
    affine(`${name}.mlp.1`, 2 * out, 4 * dim)
    for (const [block, width] of [
      ['block1', input],
      ['block2', out],
    ] as const) {
      affine(`${name}.${block}.proj`, out, width, 3, 3)
      if (modern) channelNorm(`${name}.${block}.norm`, out)
      else affine(`${name}.${block}.norm`, out)
    }
    if (input !== out) affine(`${name}.res_conv`, out, input, 1, 1)
  }
  const attention = (name: string, width: number, full: boolean) => {
    const inner = modern ? name : `${name}.fn.fn`
    if (modern) {
      add(`${name}.mem_kv`, 2, HEADS, ...(full ? [MEMORIES, HEAD_DIM] : [HEAD_DIM, MEMORIES]))
      channelNorm(`${name}.norm`, width)
    }
    add(`${inner}.to_qkv.weight`, 3 * HIDDEN, width, 1, 1)
    affine(`${inner}.to_out${full ? '' : '.0'}`, width, HIDDEN, 1, 1)
    if (!full) channelNorm(`${inner}.to_out.1`, width)
    if (!modern) channelNorm(`${name}.fn.norm`, width)
  }
  const widths = [dim, ...dimMults.map((mult) => mult * dim)]
  const stages = dimMults.length
  affine('init_conv', dim, channels * (selfCondition ? 2 : 1) + given, 7, 7)
  affine('time_mlp.1', 4 * dim, dim)
  affine('time_mlp.3', 4 * dim, 4 * dim)
  for (let i = 0; i < stages; i++) {
    const [input, out, last] = [widths[i]!, widths[i + 1]!, i + 1 === stages]
    for (const block of [0, 1]) resnet(`downs.${i}.${block}`, input, input)
    attention(`downs.${i}.2`, input, modern && last)
    if (last) affine(`downs.${i}.3`, out, input, 3, 3)
    else if (modern) affine(`downs.${i}.3.1`, out, 4 * input, 1, 1)
    else affine(`downs.${i}.3`, out, input, 4, 4)
  }
  for (let i = 0; i < stages; i++) {
    const [out, input, last] = [widths[stages - 1 - i]!, widths[stages - i]!, i + 1 === stages]
    for (const block of [0, 1]) resnet(`ups.${i}.${block}`, input + out, input)
    attention(`ups.${i}.2`, input, modern && i === 0)
    affine(last ? `ups.${i}.3` : `ups.${i}.3.1`, out, input, 3, 3)
  }
  const middle = widths.at(-1)!
  resnet('mid_block1', middle, middle)
  attention('mid_attn', middle, true)
  resnet('mid_block2', middle, middle)
  resnet('final_res_block', 2 * dim, dim)
  affine('final_conv', channels, dim, 1, 1)
  if (labelWidth !== undefined) add('label_emb.weight', 4 * dim, labelWidth)
  return all
}
