// What the figures were measured on.
import { cpus } from 'node:os'
import { loadAddon } from '../dist/native/load.js'
import { openVenv } from '../test/exactness/venv.mjs'
import { ONNXRUNTIME, openPeers } from './peers.mjs'

/** Also makes the peers ready: `venv` and `onnxruntime` are where they are. */
export async function machine({ only, threads }) {
  const addon = await loadAddon()
  const { cpuOps } = await addon.info()
  const venv = await openVenv(console.error)
  const versions = await openPeers(venv, only)
  return {
    venv,
    cpuOps,
    threads,
    processor: `${cpus()[0].model} (${cpuOps[0] ?? 'reference'}), ${cpus().length} cores`,
    versions: `libtorch and torch ${venv.torch}, ${versions}, onnxruntime-node ${ONNXRUNTIME}, Node ${process.version}`,
    date: new Date().toISOString().slice(0, 10),
  }
}
