/** The command line as a process of its own, and the flags of runs that take a second. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The program that package.json names. */
export const cliProgram = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** A network as small as tinyRun()'s. */
export const tinyFlags = '--size 16 --dim 8 --dim-mults 1,2 --timesteps 20 --threads 1'.split(' ')

export type Ended = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }

/** Runs the command in `cwd` on the CPU, to its end; `onStart` gets the process, `onStderr` sees what it has said so far. */
export const runCli = (
  cwd: string,
  args: readonly string[],
  ...listeners: [onStderr?: (text: string, child: ChildProcess) => void, onStart?: (child: ChildProcess) => void]
): Promise<Ended> => runProgram(process.execPath, cwd, [cliProgram, ...args], ...listeners)

/** The same for any program, such as a shell that starts the command. */
export function runProgram(
  program: string,
  cwd: string,
  args: readonly string[],
  onStderr: (text: string, child: ChildProcess) => void = () => {},
  onStart: (child: ChildProcess) => void = () => {},
): Promise<Ended> {
  const env = { ...process.env, SHINSAKU_DEVICE: 'cpu' }
  const child = spawn(program, [...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'], env })
  onStart(child)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
    onStderr(stderr, child)
  })
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })))
}

/** A listener for runCli() that acts once, when the text has `word`. */
export function once(word: string, act: (child: ChildProcess) => void): (text: string, child: ChildProcess) => void {
  let due = true
  return (text, child) => {
    if (!due || !text.includes(word)) return
    due = false
    act(child)
  }
}
