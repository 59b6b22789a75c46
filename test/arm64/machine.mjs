// Programs for arm64: run as they are on such a machine, elsewhere by QEMU's emulation of one.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { toolFor } from '../../scripts/cross.mjs'

const emulators = ['qemu-aarch64-static', 'qemu-aarch64']

/** Where Debian's cross compiler has the libraries of arm64. */
const prefix = process.env.QEMU_LD_PREFIX || '/usr/aarch64-linux-gnu'

/** How programs are started: nothing on arm64, else QEMU. @param {string} libraries where /lib of arm64 lies */
function starter(libraries = prefix) {
  if (process.arch === 'arm64') return []
  const found = emulators.find((name) => spawnSync(name, ['--version']).status === 0)
  return found ? [found, '-L', libraries] : undefined
}

/** The C++ compiler whose programs run so. */
export const compilerFor = () => toolFor('arm64', 'g++')

/** Why no program for arm64 can be run here, or null. */
export function whyNot() {
  if (process.arch === 'arm64') return null
  if (!starter()) return 'QEMU is not installed (Debian: sudo apt-get install qemu-user-static)'
  return spawnSync(compilerFor(), ['--version']).status === 0 && existsSync(`${prefix}/lib/ld-linux-aarch64.so.1`)
    ? null
    : 'there is no cross compiler, or no libraries for arm64 (Debian: sudo apt-get install g++-aarch64-linux-gnu)'
}

/** How results name the machine. */
export const machine = () => (process.arch === 'arm64' ? 'arm64' : `arm64, emulated by ${starter()?.[0]}`)

/**
 * Runs a program for arm64 and returns what it writes; what it wrote is in the error when it fails.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, libraries?: string }} options
 */
export function runArm64(program, args, { libraries, env = process.env, ...options } = {}) {
  const [first = '', ...rest] = [...(starter(libraries) ?? []), program, ...args]
  try {
    return execFileSync(first, rest, {
      ...options,
      env: { ...env, OMP_NUM_THREADS: '1' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
    })
  } catch (error) {
    const { stdout = '', stderr = '', message } = /** @type {Error & { stdout?: string, stderr?: string }} */ (error)
    throw new Error(`${program} ${args.join(' ')}\n${`${stdout}${stderr}`.trim() || message}`)
  }
}
