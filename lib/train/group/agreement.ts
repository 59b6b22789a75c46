/** What all processes of a group must have in common before the first update, and the refusal where they do not. */
import { isDeepStrictEqual } from 'node:util'
import { ShinsakuError } from '../../errors.ts'
import type { Group } from './group.ts'

export type Facts = Readonly<Record<string, unknown>>

/** Each fact in which `theirs` differs from `ours`, as a line. */
export function differences(ours: Facts, theirs: Facts): string[] {
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])]
  return names
    .filter((name) => !isDeepStrictEqual(ours[name], theirs[name]))
    .map((name) => `${name}: ${JSON.stringify(ours[name] ?? null)} on rank 0, ${JSON.stringify(theirs[name] ?? null)}`)
}

/** JSON has no undefined. */
const plain = (facts: Facts): Facts => JSON.parse(JSON.stringify(facts)) as Facts

/**
 * Compares the `facts` of all processes, which are about `what`. Rejects with PROCESSES_DIFFER, in every process and with
 * the first difference, unless they are equal.
 */
export async function agree(group: Group, what: string, facts: Facts, signal?: AbortSignal): Promise<void> {
  const { rank, size } = group.launch
  const verdict = `${what}/verdict`
  const mine = plain(facts)
  if (!group.leads) await group.tell(`${what}/${rank}`, mine)
  else await group.tell(verdict, { refusal: await refusalOf(group, what, mine, size, signal) })
  const { refusal } = await group.wait<{ refusal: string | null }>(verdict, signal)
  if (refusal === null) return
  throw new ShinsakuError('PROCESSES_DIFFER', refusal, {
    hint: 'Start all processes with the same options, on the same pictures and on machines that are alike.',
    details: { what },
  })
}

async function refusalOf(
  group: Group,
  what: string,
  mine: Facts,
  size: number,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  for (let other = 1; other < size; other++) {
    const lines = differences(mine, await group.wait<Facts>(`${what}/${other}`, signal))
    if (lines.length > 0)
      return `The ${what} of the processes differ:\n${lines.map((line) => `  ${line} on rank ${other}`).join('\n')}`
  }
  return null
}
