/** `shinsaku doctor`: what this machine has, what is wrong with it, and what to do. */
import { exitCodes, type Io } from './io.ts'

/** Prints one line for each check and one of advice for each that is not right; resolves with the exit code. */
export async function doctorCommand(json: boolean, { stdout }: Io): Promise<number> {
  const { diagnose } = await import('../native/doctor.ts')
  const diagnosis = await diagnose()
  const { shinsaku, ok, checks } = diagnosis
  if (json) stdout.write(`${JSON.stringify(diagnosis)}\n`)
  else {
    const lines = checks.flatMap(({ state, name, text, advice }) => {
      const line = `${state.padEnd(7)}  ${name.padEnd(11)}  ${text}`
      return advice === undefined ? [line] : [line, `         ${' '.repeat(11)}  -> ${advice}`]
    })
    const verdict = ok ? 'Ready to train.' : 'Not ready to train; what to do is behind each ->'
    stdout.write(`${[`shinsaku ${shinsaku}`, ...lines, verdict].join('\n')}\n`)
  }
  return ok ? exitCodes.done : exitCodes.failed
}
