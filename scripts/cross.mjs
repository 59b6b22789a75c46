// Building for another processor than this machine's: Debian's cross compilers, and what CMake is told of them.
import { spawnSync } from 'node:child_process'
import { refuse } from './flags.mjs'

/** @import { Architecture } from '../dist/system/platform.js' */

/** GNU's names for the processors that are built for. @type {Record<Architecture, string>} */
const machines = { x64: 'x86_64', arm64: 'aarch64' }

/** The processor of that name, by default this machine's. Exits the process for one that is not known. @param {string} [name] */
export function architectureOf(name = process.arch) {
  const known = /** @type {Architecture[]} */ (Object.keys(machines)).find((arch) => arch === name)
  return known ?? refuse(`--arch has "${name}"; it knows ${Object.keys(machines).join(', ')}`)
}

/** Where a tool such as "g++" or "strip" works for `arch`. @param {Architecture} arch @param {string} tool */
export const toolFor = (arch, tool) => (arch === process.arch ? tool : `${machines[arch]}-linux-gnu-${tool}`)

/** CMake's flags for a build that is crossed; none where it is not. @param {Architecture} arch */
export function crossFlags(arch) {
  if (arch === process.arch) return []
  const compiler = process.env.CXX || toolFor(arch, 'g++')
  const { status, stdout } = spawnSync(compiler, ['-dumpmachine'], { encoding: 'utf8' })
  if (status !== 0 || !stdout.startsWith(machines[arch])) {
    const install = `sudo apt-get install g++-${machines[arch].replace('_', '-')}-linux-gnu`
    console.error(
      `${compiler} is not there or compiles for another processor than ${arch}. Debian and Ubuntu: ${install}`,
    )
    process.exit(1)
  }
  return ['-DCMAKE_SYSTEM_NAME=Linux', `-DCMAKE_SYSTEM_PROCESSOR=${machines[arch]}`, `-DCMAKE_CXX_COMPILER=${compiler}`]
}
