/** How much memory a process may use, by the files of its control groups. */
import { totalmem } from 'node:os'
import { expect, test } from 'vitest'
import { usableMemory } from '../../../lib/system/memory.ts'
import { folderWith } from '../../helpers/folder.ts'

const MB = 2 ** 20

const v1 = (path: string, limit: string, folder = path) => ({
  'proc/self/cgroup': `5:memory:${path}\n4:cpu,cpuacct:/elsewhere`,
  [`sys/fs/cgroup/memory${folder}/memory.limit_in_bytes`]: limit,
})
const v2 = (path: string, limit: string, folder = path) => ({
  'proc/self/cgroup': `0::${path}`,
  [`sys/fs/cgroup${folder}/memory.max`]: limit,
})

test.each([
  ['cgroup v2', v2('/', `${100 * MB}`), 100 * MB],
  ['cgroup v2, limited above', v2('/user.slice/app', `${80 * MB}`, '/user.slice'), 80 * MB],
  ['cgroup v2 without a limit', v2('/', 'max'), totalmem()],
  ['cgroup v1 in a container that sees the path of the host', v1('/docker/0123', `${60 * MB}`, ''), 60 * MB],
  ['cgroup v1 without a limit', v1('/', '9223372036854771712'), totalmem()],
  ['a limit above what the machine has', v2('/', `${2 * totalmem()}`), totalmem()],
  ['nonsense', v2('/', 'plenty'), totalmem()],
  ['no control groups', {}, totalmem()],
])('%s', (_, files, expected) => {
  expect(usableMemory(folderWith(files))).toBe(expected)
})
