import { describe, expect, it } from 'vitest'
import { readLaunch, type Variables, visibleDevice } from '../../../lib/distributed/environment.ts'
import { firstHost, tasksOfNode } from '../../../lib/distributed/slurm.ts'
import { ShinsakuError } from '../../../lib/errors.ts'

/** As torchrun 2.13 sets them for the second of two processes. */
const torchrun = {
  RANK: '1',
  LOCAL_RANK: '1',
  GROUP_RANK: '0',
  ROLE_RANK: '1',
  WORLD_SIZE: '2',
  LOCAL_WORLD_SIZE: '2',
  GROUP_WORLD_SIZE: '1',
  ROLE_WORLD_SIZE: '2',
  ROLE_NAME: 'default',
  MASTER_ADDR: 'localhost',
  MASTER_PORT: '41233',
  TORCHELASTIC_RESTART_COUNT: '3',
  TORCHELASTIC_MAX_RESTARTS: '5',
  TORCHELASTIC_RUN_ID: 'b7',
  TORCHELASTIC_USE_AGENT_STORE: 'True',
  OMP_NUM_THREADS: '1',
}
const pytorchJob = { RANK: '2', WORLD_SIZE: '4', MASTER_ADDR: 'job-master-0', MASTER_PORT: '23456' }
const trainer = {
  PET_NNODES: '4',
  PET_NPROC_PER_NODE: 'auto',
  PET_NODE_RANK: '3',
  PET_MASTER_ADDR: 'job-node-0-0.job',
  PET_MASTER_PORT: '29400',
}
const openMpi = {
  OMPI_COMM_WORLD_RANK: '5',
  OMPI_COMM_WORLD_SIZE: '8',
  OMPI_COMM_WORLD_LOCAL_RANK: '1',
  OMPI_COMM_WORLD_LOCAL_SIZE: '4',
}
const slurm = {
  SLURM_JOB_ID: '41234',
  SLURM_STEP_ID: '0',
  SLURM_PROCID: '6',
  SLURM_LOCALID: '0',
  SLURM_NODEID: '3',
  SLURM_NTASKS: '7',
  SLURM_STEP_NUM_TASKS: '7',
  SLURM_STEP_TASKS_PER_NODE: '2(x3),1',
  SLURM_JOB_NODELIST: 'gpu[07-09,12]',
  SLURM_CPUS_PER_TASK: '8',
}

const failure = (env: Variables): ShinsakuError => {
  try {
    readLaunch(env)
  } catch (error) {
    return error as ShinsakuError
  }
  throw new Error('it was accepted')
}

describe('several processes', () => {
  it.each<[string, Variables, object]>([
    [
      'torchrun',
      torchrun,
      {
        launcher: 'torchrun',
        rank: 1,
        size: 2,
        localRank: 1,
        localSize: 2,
        host: 'localhost',
        port: 41233,
        agentStore: true,
        attempt: 'b7/3',
      },
    ],
    [
      'a PyTorchJob of Kubeflow',
      pytorchJob,
      {
        launcher: 'RANK',
        rank: 2,
        size: 4,
        localRank: 0,
        localSize: 1,
        host: 'job-master-0',
        port: 23456,
        agentStore: false,
      },
    ],
    [
      'Kubeflow Trainer',
      trainer,
      { launcher: 'Kubeflow Trainer', rank: 3, size: 4, host: 'job-node-0-0.job', port: 29400 },
    ],
    [
      'Open MPI',
      { ...openMpi, MASTER_ADDR: '10.0.0.7' },
      { launcher: 'Open MPI', rank: 5, size: 8, localRank: 1, localSize: 4, host: '10.0.0.7', port: 29500 },
    ],
    ['Open MPI on one machine', { ...openMpi, OMPI_COMM_WORLD_LOCAL_SIZE: '8' }, { host: '127.0.0.1', localSize: 8 }],
    [
      'Hydra',
      { PMI_RANK: '1', PMI_SIZE: '2', MPI_LOCALRANKID: '1', MPI_LOCALNRANKS: '2' },
      { launcher: 'PMI', rank: 1, size: 2, host: '127.0.0.1' },
    ],
    ['Slurm', slurm, { launcher: 'Slurm', rank: 6, size: 7, localRank: 0, localSize: 1, host: 'gpu07', port: 21234 }],
  ])('are read from the variables of %s', (_, env, expected) => {
    expect(readLaunch(env)).toMatchObject(expected)
  })

  it.each<[string, Variables]>([
    ['no variable', {}],
    ['SHINSAKU_DISTRIBUTED=0', { ...torchrun, SHINSAKU_DISTRIBUTED: '0' }],
    ['a group of one', { RANK: '0', WORLD_SIZE: '1' }],
    ['an address alone, which images of containers often set', { MASTER_ADDR: 'a', MASTER_PORT: '1' }],
    ['a shell inside an allocation of Slurm', { ...slurm, SLURM_STEP_ID: undefined }],
    ['a step of one task', { ...slurm, SLURM_STEP_NUM_TASKS: '1' }],
  ])('are none with %s', (_, env) => {
    expect(readLaunch(env)).toBeNull()
  })

  it.each<[string, Variables, RegExp]>([
    ['RANK without WORLD_SIZE', { RANK: '0' }, /RANK is set.*WORLD_SIZE is not/],
    ['no address', { RANK: '0', WORLD_SIZE: '2' }, /RANK, WORLD_SIZE are set.*MASTER_ADDR, MASTER_PORT are not/],
    [
      'a word for a number',
      { ...pytorchJob, RANK: 'one' },
      /RANK must be a whole number from 0 to 65536, but is "one"/,
    ],
    ['a negative number', { ...pytorchJob, RANK: '-1' }, /RANK must be/],
    ['a rank beyond the others', { ...pytorchJob, RANK: '4' }, /rank 4 of 4, but ranks go from 0 to 3/],
    [
      'a port that is none',
      { ...pytorchJob, MASTER_PORT: '70000' },
      /MASTER_PORT must be a whole number from 1 to 65535/,
    ],
    [
      'several processes on a node that nobody started',
      { ...trainer, PET_NPROC_PER_NODE: '4' },
      /PET_NPROC_PER_NODE is 4/,
    ],
    ['a changing number of nodes', { ...trainer, PET_NNODES: '1:4' }, /PET_NNODES is 1:4/],
    ['Open MPI on several machines without an address', openMpi, /MASTER_ADDR is not set/],
    [
      'another word for the switch',
      { SHINSAKU_DISTRIBUTED: 'off' },
      /SHINSAKU_DISTRIBUTED must be 0 or 1, but is "off"/,
    ],
    [
      'a timeout of nothing',
      { ...pytorchJob, SHINSAKU_DISTRIBUTED_TIMEOUT: '0' },
      /SHINSAKU_DISTRIBUTED_TIMEOUT must be seconds/,
    ],
  ])('are refused with %s', (_, env, message) => {
    const error = failure(env)
    expect(error).toBeInstanceOf(ShinsakuError)
    expect(error.code).toBe('DISTRIBUTED_INVALID')
    expect(error.message).toMatch(message)
    expect(error.hint).toContain('SHINSAKU_DISTRIBUTED=0')
  })

  it.each([
    ['a', 'a'],
    ['a,b', 'a'],
    ['a[01-03,7],b2', 'a01'],
    ['a[7,9]-x,b', 'a7-x'],
    ['', undefined],
    ['a[]', undefined],
  ])('reads the first host of %j', (list, host) => {
    expect(firstHost(list)).toBe(host)
  })

  it('reads the tasks of a node', () => {
    expect([0, 1, 2, 3, 4].map((node) => tasksOfNode('2(x3),1', node))).toEqual([2, 2, 2, 1, 1])
    expect(tasksOfNode('many', 0)).toBe(1)
  })

  it('gives each process of a machine its own GPU', () => {
    const launch = readLaunch(torchrun)!
    expect(visibleDevice(launch, undefined)).toBe('1')
    expect(visibleDevice(launch, '4,6')).toBe('6')
    expect(visibleDevice(launch, '4')).toBeUndefined()
    expect(visibleDevice({ ...launch, localRank: 2 }, '4,6')).toBe('')
    expect(visibleDevice({ ...launch, localSize: 1 }, undefined)).toBeUndefined()
    expect(visibleDevice(null, undefined)).toBeUndefined()
  })
})
