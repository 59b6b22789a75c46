// The benchmark's flags, checked before anything is installed or started.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'

export const GROUPS = ['forward', 'train', 'dcgan', 'sample', 'startup', 'ingest', 'life']
/** Groups of which --isa can hold every side. */
const HOLDABLE = ['forward', 'train', 'dcgan']
export const OWN = ['shinsaku', 'shinsaku-avx2', 'shinsaku-exact']
/** Who draws with a U-Net. */
export const DRAWING = [...OWN, 'eager', 'channels_last', 'compile', 'freezing', 'onnxruntime', 'openvino']
export const WHO = [...DRAWING, 'pillow', 'torchvision']

/**
 * Environments that hold libtorch, oneDNN and MKL to what a smaller processor has, and shinsaku's ops set for it. ONNX
 * Runtime cannot be held.
 */
export const ISAS = {
  avx2: {
    ops: 'cpu-avx2',
    env: { ATEN_CPU_CAPABILITY: 'avx2', ONEDNN_MAX_CPU_ISA: 'AVX2', MKL_ENABLE_INSTRUCTIONS: 'AVX2' },
  },
}

const text = { type: 'string' }
const options = {
  only: text,
  who: text,
  variant: text,
  dim: text,
  'dim-mults': text,
  size: text,
  batch: text,
  threads: text,
  steps: text,
  rounds: text,
  json: text,
  from: text,
  note: text,
  isa: text,
  docs: { type: 'boolean', default: false },
}

export class UsageError extends Error {
  usage = true
}

const fail = (message) => {
  throw new UsageError(message)
}

function list(value, known, flag) {
  const names = value.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) fail(`--${flag} has "${unknown}"; it knows ${known.join(', ')}`)
  return names
}

function whole(value, flag) {
  const number = Number(value)
  return Number.isInteger(number) && number >= 1
    ? number
    : fail(`--${flag} must be a whole number from 1, not "${value}"`)
}

function parse(argv) {
  try {
    return parseArgs({ args: argv, options }).values
  } catch (error) {
    return fail(error.message)
  }
}

/** Flags that were not given are undefined, but for those that every case needs. */
export function parseFlags(argv) {
  const given = parse(argv)
  const maybe = (flag, read) => (given[flag] === undefined ? undefined : read(given[flag], flag))
  const numbers = Object.fromEntries(['size', 'batch', 'steps', 'rounds'].map((flag) => [flag, maybe(flag, whole)]))
  const isa = maybe('isa', (value) => list(value, Object.keys(ISAS), 'isa')[0])
  return {
    ...numbers,
    isa,
    only: maybe('only', (value) => list(value, isa ? HOLDABLE : GROUPS, 'only')) ?? (isa ? HOLDABLE : GROUPS),
    who: maybe('who', (value) => list(value, WHO, 'who')) ?? WHO,
    variant: maybe('variant', (value) => list(value, ['2.3', '0.26'], 'variant')[0]),
    dim: maybe('dim', whole) ?? 64,
    dimMults: (given['dim-mults'] ?? '1,2,4,8').split(',').map((part) => whole(part, 'dim-mults')),
    threads: maybe('threads', whole) ?? Math.min(2, availableParallelism()),
    json: given.json,
    from: given.from,
    note: given.note,
    docs: given.docs,
  }
}
