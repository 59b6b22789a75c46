/** `shinsaku verify`: whether everything a run holds is as it was written. */
import { visible } from '../errors.ts'
import { formatCount } from './format.ts'
import { exitCodes, type Io } from './io.ts'

/** Prints one line for each finding; resolves with the exit code. */
export async function verifyCommand(run: string, json: boolean, { stdout, stderr }: Io): Promise<number> {
  const { verify } = await import('../index.ts')
  const verification = await verify(run)
  const { whole, checks } = verification
  if (json) stdout.write(`${JSON.stringify(verification)}\n`)
  else {
    const width = Math.max(...checks.map(({ path }) => path.length))
    for (const { state, path, detail } of checks)
      stdout.write(`${state.padEnd(7)}  ${visible(path).padEnd(width)}  ${visible(detail.replaceAll('\n', ' '))}\n`)
    const damaged = checks.filter(({ state }) => state === 'damaged').length
    stderr.write(
      whole
        ? `All ${formatCount(checks.length)} are as they were written.\n`
        : `${formatCount(damaged)} of ${formatCount(checks.length)} are damaged.\n`,
    )
  }
  return whole ? exitCodes.done : exitCodes.failed
}
