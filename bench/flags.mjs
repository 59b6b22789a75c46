// The benchmark's flags, checked before anything is installed or started.
import { availableParallelism } from 'node:os'
import { parseFlags as parse, UsageError } from '../scripts/flags.mjs'

export const GROUPS = ['forward', 'train', 'dcgan', 'stylegan2', 'pgan', 'sample', 'startup', 'ingest', 'life']
/** Groups that a GPU has too; also those of which --isa can hold every side. */
const STEADY = ['forward', 'train', 'dcgan']
export const OWN = ['shinsaku', 'shinsaku-avx2', 'shinsaku-exact']
/** Who evaluates a U-Net on a CPU. */
export const EVALUATORS = [...OWN, 'eager', 'channels_last', 'compile', 'freezing', 'onnxruntime', 'openvino']
const CPU_WHO = [...EVALUATORS, 'pillow', 'torchvision']
/** Who takes part on a GPU: shinsaku as it chooses, or with operations and CUDA graphs as named. */
const CUDA_OWN = ['', '-reference', '-reference-graph', '-cuda', '-cuda-graph'].map((end) => `shinsaku${end}`)
const CUDA_WHO = ['eager', 'tuned', 'compile', 'graphs', ...CUDA_OWN]
export const VARIANTS = ['2.3', '0.26']

/**
 * Environments that hold libtorch, oneDNN and MKL to what a smaller processor has, and shinsaku's ops set for it. ONNX
 * Runtime cannot be held.
 * @type {Record<string, { ops: string, env: Record<string, string> }>}
 */
export const ISAS = {
  avx2: {
    ops: 'cpu-avx2',
    env: { ATEN_CPU_CAPABILITY: 'avx2', ONEDNN_MAX_CPU_ISA: 'AVX2', MKL_ENABLE_INSTRUCTIONS: 'AVX2' },
  },
}

const either = (/** @type {string[]} */ names) => names.join(', ')

export const usage = {
  command: 'npm run bench --',
  about: `Times shinsaku beside what a user would otherwise run. Every side is a process of its own that waits while another
works, and rounds go round all sides, so that all see the same machine in the same minutes. Without --variant, --size or
--batch each kind of work has its usual sizes. On a CPU the peers are installed into the user's cache at the first use; on a
GPU they are those of the Python at hand (SHINSAKU_PYTHON). Work on a CPU is in fp32; on a GPU each row names its precision.`,
  flags: {
    device: { value: 'cpu|cuda', default: 'cpu', help: 'where' },
    only: { value: 'A,B', help: `kinds of work: ${either(GROUPS)}; on a GPU ${either(STEADY)}` },
    who: { value: 'A,B', help: `sides: ${either(CPU_WHO)}; on a GPU ${either(CUDA_WHO)}` },
    rounds: { value: 'N', help: 'rounds over all sides (usual: 8 to 10, of what is slow 3)' },
    variant: { value: either(VARIANTS).replace(', ', '|'), help: 'of the U-Net' },
    dim: { value: 'N', default: '64', help: 'width of the U-Net' },
    'dim-mults': { value: 'A,B', default: '1,2,4,8', help: 'multipliers of its levels' },
    size: { value: 'N', help: 'pixels on a side' },
    batch: { value: 'N', help: 'pictures at once' },
    threads: { value: 'N', help: 'of every side (usual: 2, on a GPU 4)' },
    steps: { value: 'N', default: '8', help: "denoising steps of shinsaku's whole pictures" },
    isa: { value: 'avx2', help: `holds every side of ${either(STEADY)} to what a smaller processor has` },
    updates: { value: 'N', default: '100', help: 'on a GPU: updates of each side, at least' },
    budget: { value: 'S', help: 'on a GPU: seconds for all; what is least important is left out' },
    'start-limit': { value: 'S', default: '400', help: 'on a GPU: seconds until a side is ready' },
    wait: { help: 'on a GPU: sides make themselves ready at once, but are timed when a line comes in' },
    rehearse: { help: 'the work of a GPU in miniature, on a CPU: for trying out the pack' },
    log: { value: 'FILE', help: 'where sides write what they have to say' },
    json: { value: 'FILE', help: 'writes { device, machine, rows }' },
    from: { value: 'FILE', multiple: true, help: 'reads what --json or bench/gpu/run.sh wrote instead of measuring' },
    docs: { help: 'puts the rows into docs/benchmarks.json and .md, or docs/benchmarks-gpu.md' },
    note: { value: 'TEXT', help: 'what else is to know of the machine, for the docs' },
  },
}

/** @type {(message: string) => never} */
const fail = (message) => {
  throw new UsageError(message)
}

/**
 * @param {string} value
 * @param {string[]} known
 * @param {string} flag
 */
function list(value, known, flag) {
  const names = value.split(',')
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) fail(`--${flag} has "${unknown}"; it knows ${known.join(', ')}`)
  return names
}

/**
 * @param {string} value
 * @param {string} flag
 */
function whole(value, flag) {
  const number = Number(value)
  return Number.isInteger(number) && number >= 1
    ? number
    : fail(`--${flag} must be a whole number from 1, not "${value}"`)
}

/** Flags that were not given are undefined, but for those that every case needs. @param {string[]} argv */
export function parseFlags(argv) {
  const { values: given } = parse(usage, argv)
  const only = (/** @type {string} */ flag, /** @type {string} */ value, /** @type {string[]} */ known) =>
    list(value, known, flag)[0] ?? ''
  const maybe = (/** @type {'size' | 'batch' | 'rounds' | 'threads' | 'budget'} */ flag) =>
    given[flag] === undefined ? undefined : whole(given[flag], flag)
  const device = given.rehearse ? 'cuda' : only('device', given.device, ['cpu', 'cuda'])
  const isa = given.isa === undefined ? undefined : only('isa', given.isa, Object.keys(ISAS))
  const groups = isa || device === 'cuda' ? STEADY : GROUPS
  const everyone = device === 'cuda' ? CUDA_WHO : CPU_WHO
  if (isa && device === 'cuda') fail('--isa is for a CPU')
  return {
    help: given.help,
    device,
    rehearse: given.rehearse,
    isa,
    only: given.only === undefined ? groups : list(given.only, groups, 'only'),
    who: given.who === undefined ? everyone : list(given.who, everyone, 'who'),
    variant: given.variant === undefined ? undefined : only('variant', given.variant, VARIANTS),
    dim: whole(given.dim, 'dim'),
    dimMults: given['dim-mults'].split(',').map((part) => whole(part, 'dim-mults')),
    size: maybe('size'),
    batch: maybe('batch'),
    rounds: maybe('rounds'),
    threads: maybe('threads') ?? (device === 'cuda' ? (given.rehearse ? 1 : 4) : Math.min(2, availableParallelism())),
    steps: whole(given.steps, 'steps'),
    updates: whole(given.updates, 'updates'),
    budget: maybe('budget'),
    startLimit: whole(given['start-limit'], 'start-limit'),
    wait: given.wait,
    log: given.log,
    json: given.json,
    from: /** @type {string[]} */ (given.from ?? []),
    note: given.note,
    docs: given.docs,
  }
}

/** @typedef {ReturnType<typeof parseFlags>} Flags */
