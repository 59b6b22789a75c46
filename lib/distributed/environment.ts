/** Whether this process is one of several that train together: what launchers say in environment variables. */
import { ShinsakuError } from '../errors.ts'
import { firstHost, tasksOfNode } from './slurm.ts'

/** One process of a group, as whoever started it says. */
export type Launch = {
  /** Who says so, for messages. */
  launcher: 'torchrun' | 'RANK' | 'Kubeflow Trainer' | 'Open MPI' | 'PMI' | 'Slurm'
  /** Number of this process, from 0, and how many there are. */
  rank: number
  size: number
  /** The same among the processes of this machine. */
  localRank: number
  localSize: number
  /** Where rank 0's store listens. */
  host: string
  port: number
  /** Whether the launcher holds the store, so that rank 0 does not. */
  agentStore: boolean
  /** What tells this attempt from earlier ones whose keys may still be in the launcher's store. */
  attempt: string
  /** Seconds after which a process that does not answer is lost, and in which all must have come. */
  timeout: number
  joinTimeout: number
}

export type Variables = Readonly<Record<string, string | undefined>>

/** What PyTorch listens on where nobody says otherwise. */
const DEFAULT_PORT = 29500
const LOOPBACK = '127.0.0.1'
const DEFAULT_TIMEOUT = 300
const MAX_PROCESSES = 65536

const invalid = (message: string, hint: string): ShinsakuError =>
  new ShinsakuError('DISTRIBUTED_INVALID', message, {
    hint: `${hint} To train in this process alone, whatever the environment says: SHINSAKU_DISTRIBUTED=0.`,
  })

/** A whole number of a variable, within limits; undefined where it is not set. */
function whole(env: Variables, name: string, least: number, most: number): number | undefined {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw invalid(
    `${name} must be a whole number from ${least} to ${most}, but is ${JSON.stringify(text)}`,
    'Correct it where the processes are started.',
  )
}

const port = (env: Variables, name: string): number | undefined => whole(env, name, 1, 65535)

type Found = Pick<Launch, 'launcher' | 'rank' | 'size' | 'localRank' | 'localSize' | 'host' | 'port'>

/** What is missing of variables that go together; `names` are those that must all be set where one is. */
function requireAll(env: Variables, names: readonly string[]): void {
  const missing = names.filter((name) => !env[name])
  if (missing.length === 0) return
  const set = names.filter((name) => env[name])
  throw invalid(
    `${set.join(', ')} ${set.length > 1 ? 'are' : 'is'} set, which makes this process one of several, but ${missing.join(', ')} ${missing.length > 1 ? 'are' : 'is'} not`,
    'Set all of them for every process, or none.',
  )
}

/** torchrun, PyTorchJob of Kubeflow, and whoever sets the variables by hand. */
function plain(env: Variables): Found | undefined {
  if (!env.RANK && !env.WORLD_SIZE) return undefined
  requireAll(env, ['RANK', 'WORLD_SIZE'])
  const size = whole(env, 'WORLD_SIZE', 1, MAX_PROCESSES)!
  const rank = whole(env, 'RANK', 0, MAX_PROCESSES)!
  if (size > 1) requireAll(env, ['RANK', 'WORLD_SIZE', 'MASTER_ADDR', 'MASTER_PORT'])
  return {
    launcher: env.TORCHELASTIC_RUN_ID === undefined ? 'RANK' : 'torchrun',
    rank,
    size,
    localRank: whole(env, 'LOCAL_RANK', 0, MAX_PROCESSES) ?? 0,
    localSize: whole(env, 'LOCAL_WORLD_SIZE', 1, MAX_PROCESSES) ?? 1,
    host: env.MASTER_ADDR ?? LOOPBACK,
    port: port(env, 'MASTER_PORT') ?? DEFAULT_PORT,
  }
}

/** Kubeflow's Trainer sets torchrun's own options. Without torchrun there is one process on each node. */
function pet(env: Variables): Found | undefined {
  if (!env.PET_NNODES && !env.PET_NODE_RANK) return undefined
  requireAll(env, ['PET_NNODES', 'PET_NODE_RANK'])
  const many = Number(env.PET_NPROC_PER_NODE ?? 1) > 1 || env.PET_NPROC_PER_NODE === 'gpu'
  if (many || /:/.test(env.PET_NNODES!)) {
    const [name, value] = many ? ['PET_NPROC_PER_NODE', env.PET_NPROC_PER_NODE] : ['PET_NNODES', env.PET_NNODES]
    throw invalid(
      `${name} is ${value}, which asks for several processes on a node or for a changing number of nodes, but nothing has started them`,
      'Start with torchrun, which reads these variables itself: torchrun --no-python shinsaku train ...',
    )
  }
  const size = whole(env, 'PET_NNODES', 1, MAX_PROCESSES)!
  if (size > 1) requireAll(env, ['PET_NNODES', 'PET_NODE_RANK', 'PET_MASTER_ADDR'])
  return {
    launcher: 'Kubeflow Trainer',
    rank: whole(env, 'PET_NODE_RANK', 0, MAX_PROCESSES)!,
    size,
    localRank: 0,
    localSize: 1,
    host: env.PET_MASTER_ADDR ?? LOOPBACK,
    port: port(env, 'PET_MASTER_PORT') ?? DEFAULT_PORT,
  }
}

/** Where rank 0 is, for launchers that do not say it. */
function master(env: Variables, launcher: string, local: boolean): Pick<Launch, 'host' | 'port'> {
  const nodes = env.SLURM_STEP_NODELIST ?? env.SLURM_JOB_NODELIST
  const host = env.MASTER_ADDR || (nodes && firstHost(nodes)) || (local ? LOOPBACK : undefined)
  if (!host)
    throw invalid(
      `${launcher} has started several processes on several machines, but MASTER_ADDR is not set`,
      'Set MASTER_ADDR to the address of the machine of rank 0, for every process (mpirun -x MASTER_ADDR=...).',
    )
  // Two jobs on one machine must not meet.
  const job = whole(env, 'SLURM_JOB_ID', 0, Number.MAX_SAFE_INTEGER)
  return { host, port: port(env, 'MASTER_PORT') ?? (job === undefined ? DEFAULT_PORT : 20000 + (job % 20000)) }
}

type Names = { rank: string; size: string; localRank: string; localSize: string }

function mpi(env: Variables, launcher: 'Open MPI' | 'PMI', names: Names): Found | undefined {
  if (!env[names.rank] && !env[names.size]) return undefined
  requireAll(env, [names.rank, names.size])
  const size = whole(env, names.size, 1, MAX_PROCESSES)!
  const localSize = whole(env, names.localSize, 1, MAX_PROCESSES) ?? 1
  return {
    launcher,
    rank: whole(env, names.rank, 0, MAX_PROCESSES)!,
    size,
    localRank: whole(env, names.localRank, 0, MAX_PROCESSES) ?? 0,
    localSize,
    ...master(env, launcher, localSize === size),
  }
}

/** srun. A shell inside an allocation has most of its variables, too, but is no step of several tasks. */
function slurm(env: Variables): Found | undefined {
  const tasks = env.SLURM_STEP_NUM_TASKS ?? env.SLURM_NTASKS
  if (!env.SLURM_STEP_ID || !tasks || tasks === '1') return undefined
  requireAll(env, ['SLURM_STEP_ID', 'SLURM_PROCID'])
  const size = whole({ SLURM_NTASKS: tasks }, 'SLURM_NTASKS', 1, MAX_PROCESSES)!
  const node = whole(env, 'SLURM_NODEID', 0, MAX_PROCESSES) ?? 0
  const localSize = tasksOfNode(env.SLURM_STEP_TASKS_PER_NODE ?? env.SLURM_TASKS_PER_NODE ?? '1', node)
  return {
    launcher: 'Slurm',
    rank: whole(env, 'SLURM_PROCID', 0, MAX_PROCESSES)!,
    size,
    localRank: whole(env, 'SLURM_LOCALID', 0, MAX_PROCESSES) ?? 0,
    localSize,
    ...master(env, 'Slurm', localSize === size),
  }
}

/** Seconds of a variable. */
function seconds(env: Variables, name: string): number {
  const text = env[name]
  if (!text) return DEFAULT_TIMEOUT
  const value = Number(text)
  if (value >= 1 && value <= 86400) return value
  throw invalid(`${name} must be seconds from 1 to 86400, but is ${JSON.stringify(text)}`, 'Correct it.')
}

/**
 * The group that this process belongs to, or null where it trains alone. Reads, in this order, RANK and its companions,
 * PET_*, Open MPI's, PMI's and Slurm's. Throws DISTRIBUTED_INVALID where they are set by half or wrong.
 */
export function readLaunch(env: Variables = process.env): Launch | null {
  const wanted = env.SHINSAKU_DISTRIBUTED
  if (wanted === '0') return null
  if (wanted !== undefined && wanted !== '' && wanted !== '1')
    throw invalid(`SHINSAKU_DISTRIBUTED must be 0 or 1, but is ${JSON.stringify(wanted)}`, 'Correct it.')
  const found =
    plain(env) ??
    pet(env) ??
    mpi(env, 'Open MPI', {
      rank: 'OMPI_COMM_WORLD_RANK',
      size: 'OMPI_COMM_WORLD_SIZE',
      localRank: 'OMPI_COMM_WORLD_LOCAL_RANK',
      localSize: 'OMPI_COMM_WORLD_LOCAL_SIZE',
    }) ??
    mpi(env, 'PMI', {
      rank: 'PMI_RANK',
      size: 'PMI_SIZE',
      localRank: 'MPI_LOCALRANKID',
      localSize: 'MPI_LOCALNRANKS',
    }) ??
    slurm(env)
  if (!found || found.size === 1) return null
  if (found.rank >= found.size)
    throw invalid(
      `This process is rank ${found.rank} of ${found.size}, but ranks go from 0 to ${found.size - 1}`,
      'Correct the variables where the processes are started.',
    )
  return {
    ...found,
    agentStore: env.TORCHELASTIC_USE_AGENT_STORE === 'True',
    attempt: `${env.TORCHELASTIC_RUN_ID ?? ''}/${env.TORCHELASTIC_RESTART_COUNT ?? env.SLURM_RESTART_COUNT ?? 0}`,
    timeout: seconds(env, 'SHINSAKU_DISTRIBUTED_TIMEOUT'),
    joinTimeout: seconds(env, 'SHINSAKU_DISTRIBUTED_JOIN_TIMEOUT'),
  }
}

/**
 * The value of CUDA_VISIBLE_DEVICES with which a process sees its own GPU only; undefined where it may stay as it is: one
 * process on the machine, or a launcher that has given each process its GPU.
 */
export function visibleDevice(launch: Launch | null, visible: string | undefined): string | undefined {
  if (!launch || launch.localSize === 1) return undefined
  const devices = visible?.split(',').filter((device) => device !== '')
  if (devices?.length === 1) return undefined
  return devices ? (devices[launch.localRank] ?? '') : String(launch.localRank)
}
