/** Slurm's short forms of lists: of hosts, and of tasks on each node. */

/** The first host of a list such as `a[01-03,7],b2`. */
export function firstHost(list: string): string | undefined {
  const bracket = /^([^,[\]]*)\[([^\]]*)\]([^,[\]]*)/.exec(list)
  if (!bracket) return list.split(',')[0] || undefined
  const [, before, ranges, after] = bracket
  const first = /^[^-,]+/.exec(ranges!)?.[0]
  return first === undefined ? undefined : `${before}${first}${after}`
}

/** How many tasks a node has, of a list such as `2(x3),1`. */
export function tasksOfNode(list: string, node: number): number {
  let left = node
  for (const part of list.split(',')) {
    const [, tasks, times] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? []
    if (tasks === undefined) return 1
    left -= Number(times ?? 1)
    if (left < 0) return Number(tasks)
  }
  return 1
}
