// What the figures were measured on, and where the peers are.
import { execFile } from 'node:child_process'
import { availableParallelism, cpus } from 'node:os'
import { promisify } from 'node:util'
import { ONNXRUNTIME, openPeers } from './peers.mjs'

/** @import { Flags } from './flags.mjs' */
/** @import { Venv } from '../test/exactness/venv.mjs' */

/**
 * `venv` is the Python of the peers on a CPU; on a GPU it is the one at hand.
 * @typedef {{ date: string, processor: string, threads: number, versions: string, note?: string | undefined }} Described
 * @typedef {Described & { venv: Venv | undefined, cpuOps: readonly string[], log: string | undefined }} Machine
 * @typedef {{ date: string, arguments: string[], cpu: string, cores: number, node: string, compiler: string | null,
 *   gpuFields: string, gpu: string | null, python?: string, torch?: string, cuda?: string | null, cudnn?: number | null }} GpuMachine
 */

const today = () => new Date().toISOString().slice(0, 10)

/** Also makes the peers ready. @param {Flags} flags @returns {Promise<Machine>} */
export async function describeCpu({ only, threads, log, note }) {
  const [{ loadAddon }, { openVenv }] = await Promise.all([
    import('../dist/native/load.js'),
    import('../test/exactness/venv.mjs'),
  ])
  const addon = await loadAddon()
  const { cpuOps } = await addon.info()
  const venv = await openVenv(console.error)
  const versions = await openPeers(venv, only)
  return {
    ...{ venv, cpuOps, threads, log, note, date: today() },
    processor: `${cpus()[0]?.model} (${cpuOps[0] ?? 'reference'}), ${cpus().length} cores`,
    versions: `libtorch and torch ${venv.torch}, ${versions}, onnxruntime-node ${ONNXRUNTIME}, Node ${process.version}`,
  }
}

/** What is said of any machine before its own programs are asked. @param {Flags} flags @returns {Machine} */
export const describeRehearsal = ({ threads, log, note }) => ({
  ...{ venv: undefined, cpuOps: [], threads, log, note, date: today() },
  processor: `${cpus()[0]?.model}, ${availableParallelism()} cores`,
  versions: `Node ${process.version}`,
})

/** The GPU and its machine, as their own programs tell. The first import of torch may take a minute. */
export async function describeGpu() {
  /** @type {(program: string, args: string[]) => Promise<string | null>} */
  const says = (program, args) =>
    promisify(execFile)(program, args, { timeout: 240_000 }).then(
      ({ stdout }) => stdout.trim(),
      () => null,
    )
  const fields = 'name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,power.limit'
  const code = `import json, sys, torch
gpu = torch.cuda.is_available()
print(json.dumps({
  "python": sys.version.split()[0], "torch": torch.__version__, "cuda": torch.version.cuda,
  "cudnn": torch.backends.cudnn.version() if gpu else None}))`
  const [answer, gpu, compiler] = await Promise.all([
    says(process.env.SHINSAKU_PYTHON || 'python3', ['-c', code]),
    says('nvidia-smi', [`--query-gpu=${fields}`, '--format=csv,noheader']),
    says('c++', ['--version']),
  ])
  /** @type {GpuMachine} */
  const machine = {
    date: new Date().toISOString(),
    arguments: process.argv.slice(2),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.version,
    compiler: compiler?.split('\n')[0] ?? null,
    gpuFields: fields,
    gpu,
    ...(answer && JSON.parse(answer)),
  }
  return machine
}
