import { beforeEach, describe, expect, test, vi } from 'vitest'
import { resolveDevice } from '../../../lib/backend/device.ts'
import type { Libtorch } from '../../../lib/libtorch/find.ts'
import type { Addon } from '../../../lib/native/addon.ts'
import { loadNative, openCuda } from '../../../lib/native/load.ts'

vi.mock('../../../lib/native/load.ts', async (original) => ({ ...(await original<object>()), loadNative: vi.fn() }))

const libtorch = (flavour: Libtorch['flavour']): Libtorch => ({
  root: '/torch',
  lib: '/torch/lib',
  include: '/torch/include',
  version: '2.13.0',
  flavour,
})

type Machine = { driver?: string | null; flavour?: Libtorch['flavour']; broken?: string; gpus?: number }

/** What opening CUDA comes to, and what was opened for it. */
function open({ driver = null, flavour = 'cuda', broken }: Machine) {
  const opened: string[] = []
  const loader = {
    open: (path: string) => {
      if (broken) throw new Error(broken)
      opened.push(path)
    },
    opened: () => null,
    setEnvironment: () => {},
    cudaDriver: () => driver,
    cudaName: () => 'GPU',
  }
  return { cudaProblem: openCuda(loader, libtorch(flavour)), opened }
}

/** Makes this process believe that it runs on `machine`. */
function pretend(machine: Machine): void {
  const addon = { info: async () => ({ cudaDevices: machine.gpus ?? 1 }) } as unknown as Addon
  const { cudaProblem } = open(machine)
  vi.mocked(loadNative).mockResolvedValue({
    addon,
    raw: addon,
    libtorch: libtorch('cpu'),
    cudaProblem,
    cudaName: '',
    pluginProblem: null,
  })
}

beforeEach(() => {
  vi.unstubAllEnvs()
  vi.stubEnv('SHINSAKU_DEVICE', undefined)
  vi.mocked(loadNative).mockReset()
})

const unusable: [string, Machine, string][] = [
  ['no driver', { driver: 'no NVIDIA driver is loaded' }, 'no NVIDIA driver is loaded'],
  ['the libtorch for CPUs', { flavour: 'cpu' }, 'the libtorch in use is built for the CPU only'],
  ['libraries missing', { broken: 'libcudart.so.13: not found' }, 'could not be loaded: libcudart.so.13: not found'],
  ['no GPU', { gpus: 0 }, 'libtorch finds no GPU that it can use'],
]

describe.each(unusable)('%s', (_, machine, reason) => {
  test('"cuda" rejects with CUDA_UNAVAILABLE and the reason', async () => {
    pretend(machine)
    const error = await resolveDevice('cuda').catch((e) => e)
    expect(error.code).toBe('CUDA_UNAVAILABLE')
    expect(error.message).toContain(`device is "cuda", but `)
    expect(error.message).toContain(reason)
    expect(error.details.problem).toContain(reason)
    expect(error.hint).toContain('"auto" or "cpu"')
  })

  test('"auto" takes the CPU', async () => {
    pretend(machine)
    expect(await resolveDevice('auto')).toBe('cpu')
  })
})

test('with a GPU "auto" and "cuda" take it', async () => {
  pretend({})
  expect(await resolveDevice('auto')).toBe('cuda:0')
  expect(await resolveDevice('cuda')).toBe('cuda:0')
})

test('"cpu" loads nothing', async () => {
  expect(await resolveDevice('cpu')).toBe('cpu')
  expect(loadNative).not.toHaveBeenCalled()
})

test('the libtorch for CPUs names the command that fetches the other', () => {
  expect(open({ flavour: 'cpu' }).cudaProblem).toContain('npx shinsaku setup --cuda')
})

test('libtorch_cuda is opened only where it can be used', () => {
  expect(open({}).opened).toEqual(['/torch/lib/libtorch_cuda.so'])
  expect(open({ driver: 'none' }).opened).toEqual([])
  vi.stubEnv('SHINSAKU_DEVICE', 'cpu')
  expect(open({})).toEqual({ cudaProblem: 'SHINSAKU_DEVICE is cpu', opened: [] })
})
