/** `shinsaku doctor`: what this machine has, what is wrong with it, and what to do. */
import { exitCodes, type Io } from './io.ts'

/** Prints a table of the backends on the GPU at hand; resolves with the exit code. */
export async function doctorGpuCommand(json: boolean, { stdout }: Io): Promise<number> {
  const { diagnoseGpu } = await import('../doctor/gpu.ts')
  const { formatTrials } = await import('../backend/trial.ts')
  const diagnosis = await diagnoseGpu(({ network, precision, tried }) => {
    if (!json) stdout.write(`${[`${network}, ${precision}`, ...formatTrials(tried)].join('\n  ')}\n`)
  })
  const { gpu, libtorch, pluginProblem, ok } = diagnosis
  if (json) stdout.write(`${JSON.stringify(diagnosis)}\n`)
  else {
    const verdict = ok ? 'Every backend agrees with the reference.' : 'Backends that disagree or fail are not used.'
    const without = pluginProblem === null ? '' : ` Only the reference was tried: ${pluginProblem}.`
    stdout.write(`${gpu}, libtorch ${libtorch}. ${verdict}${without}\n`)
  }
  return ok ? exitCodes.done : exitCodes.failed
}

/** Prints one line for each check and one of advice for each that is not right; resolves with the exit code. */
export async function doctorCommand(json: boolean, { stdout }: Io): Promise<number> {
  const { diagnose } = await import('../doctor/doctor.ts')
  const diagnosis = await diagnose()
  const { shinsaku, ok, checks } = diagnosis
  if (json) stdout.write(`${JSON.stringify(diagnosis)}\n`)
  else {
    const lines = checks.flatMap(({ state, name, text, advice }) => {
      const line = `${state.padEnd(7)}  ${name.padEnd(11)}  ${text}`
      return advice === undefined ? [line] : [line, `         ${' '.repeat(11)}  -> ${advice}`]
    })
    const verdict = ok ? 'Ready to train.' : 'Not ready to train. Each -> says what to do.'
    stdout.write(`${[`shinsaku ${shinsaku}`, ...lines, verdict].join('\n')}\n`)
  }
  return ok ? exitCodes.done : exitCodes.failed
}
