/** The control groups that this process is in: where the limits of its container are read. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type ControlGroup = { folder: string; version: 1 | 2 }

/** The text of a file of a control group; undefined where it is not there. */
export function readLimit(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

/** The folder and all above it up to `top`: each may limit what is below. */
function* upTo(top: string, path: string): Generator<string> {
  const parts = path.split('/').filter((part) => part !== '')
  // In a container the path may be the host's, which is not there: its parents lead to the mount itself.
  for (let length = parts.length; length >= 0; length--) yield join(top, ...parts.slice(0, length))
}

/** Every folder that may limit what `controller`, such as "cpu", gives this process. `root` is "/" but in tests. */
export function* controlGroups(controller: string, root: string): Generator<ControlGroup> {
  // Lines such as "4:cpu,cpuacct:/docker/0123" (version 1) and "0::/user.slice" (version 2).
  for (const line of readLimit(join(root, 'proc/self/cgroup'))?.split('\n') ?? []) {
    const [, controllers = '', path = ''] = line.split(':')
    const version = controllers === '' ? 2 : 1
    if (version === 1 && !controllers.split(',').includes(controller)) continue
    const tops = version === 2 ? ['', 'unified'] : [controllers, controller]
    for (const top of tops) for (const folder of upTo(join(root, 'sys/fs/cgroup', top), path)) yield { folder, version }
  }
}
