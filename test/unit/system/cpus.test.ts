import { availableParallelism } from 'node:os'
import { describe, expect, test } from 'vitest'
import { cpuQuota, threadsFor, usableCpus } from '../../../lib/system/cpus.ts'
import { folderWith } from '../../helpers/folder.ts'

const v1 = (path: string, quota: string, folder = path) => ({
  'proc/self/cgroup': `9:name=systemd:/\n4:cpu,cpuacct:${path}\n3:cpuset:/elsewhere`,
  [`sys/fs/cgroup/cpu,cpuacct${folder}/cpu.cfs_quota_us`]: quota,
  [`sys/fs/cgroup/cpu,cpuacct${folder}/cpu.cfs_period_us`]: '100000',
})
const v2 = (path: string, limit: string, folder = path) => ({
  'proc/self/cgroup': `0::${path}`,
  [`sys/fs/cgroup${folder}/cpu.max`]: limit,
})

describe('the CPU quota', () => {
  test.each([
    ['cgroup v2', v2('/', '150000 100000'), 1.5],
    ['cgroup v2 in a group', v2('/user.slice/app', '400000 100000'), 4],
    ['cgroup v2, limited above', v2('/user.slice/app', '50000 100000', '/user.slice'), 0.5],
    ['cgroup v2 without a limit', v2('/', 'max 100000'), Number.POSITIVE_INFINITY],
    ['cgroup v1', v1('/', '200000'), 2],
    ['cgroup v1 in a container that sees the path of the host', v1('/docker/0123', '300000', ''), 3],
    ['cgroup v1 without a limit', v1('/', '-1'), Number.POSITIVE_INFINITY],
    ['nonsense', v2('/', 'many of them'), Number.POSITIVE_INFINITY],
    ['no control groups', {}, Number.POSITIVE_INFINITY],
  ])('%s', (_, files, expected) => {
    expect(cpuQuota(folderWith(files))).toBe(expected)
  })

  test('the smallest on the way up counts', () => {
    const files = { ...v2('/a/b', '300000 100000'), 'sys/fs/cgroup/a/cpu.max': '200000 100000' }
    expect(cpuQuota(folderWith(files))).toBe(2)
  })
})

describe('usable CPUs', () => {
  test('are whole, at least one, and no more than the process may run on', () => {
    expect(usableCpus(folderWith(v2('/', '50000 100000')))).toBe(1)
    expect(usableCpus(folderWith(v2('/', '199999 100000')))).toBe(1)
    expect(usableCpus(folderWith(v2('/', '99900000 100000')))).toBe(availableParallelism())
    expect(usableCpus(folderWith({}))).toBe(availableParallelism())
  })

  test('are what threads 0 means', () => {
    expect(threadsFor(0)).toBe(usableCpus())
    expect(threadsFor(5)).toBe(5)
  })
})
