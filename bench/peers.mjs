// Peers that are no part of the package: OpenVINO beside torch in the references' venv, onnxruntime-node in a folder of
// its own, and the network as an ONNX file for both.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @import { CaseSettings } from './cases.mjs' */
/** @import { Venv } from '../test/exactness/venv.mjs' */

export const ONNXRUNTIME = '1.30.0'
const OPENVINO = '2026.4.1'
const ONNX = '1.23.2'

let nodeFolder = ''

/**
 * Installs what is missing; says which versions there are.
 * @param {Venv} venv
 * @param {string[]} only
 */
export async function openPeers({ folder, python }, only) {
  const { userCacheFolder } = await import('../dist/system/cache.js')
  nodeFolder = join(userCacheFolder(), `bench-onnxruntime-${ONNXRUNTIME}`)
  const complete = join(folder, `bench-${OPENVINO}-${ONNX}`)
  const wanted = only.some((group) => ['forward', 'startup'].includes(group))
  if (wanted && !existsSync(complete)) {
    console.error(`installing OpenVINO into ${folder}`)
    execFileSync(python, ['-m', 'pip', 'install', '-q', `openvino==${OPENVINO}`, `onnx==${ONNX}`], { stdio: 'inherit' })
    writeFileSync(complete, '')
  }
  if (wanted && !existsSync(join(nodeFolder, 'complete'))) {
    console.error(`installing onnxruntime-node into ${nodeFolder}`)
    mkdirSync(nodeFolder, { recursive: true })
    // Its scripts fetch CUDA libraries; the one for CPUs is in the package.
    const name = `onnxruntime-node@${ONNXRUNTIME}`
    execFileSync('npm', ['install', '--no-save', '--ignore-scripts', '--prefix', nodeFolder, name], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    writeFileSync(join(nodeFolder, 'complete'), '')
  }
  return `OpenVINO ${OPENVINO}`
}

export const onnxruntimePackage = () => join(nodeFolder, 'node_modules', 'onnxruntime-node')

/**
 * The file of a network, exported once.
 * @param {Venv} venv
 * @param {string} peer
 * @param {CaseSettings} settings
 */
export function onnxFile({ folder, python, env }, peer, settings) {
  const { variant = '2.3', dim, dimMults = [], size, batch } = settings
  const file = join(folder, 'onnx', `${[variant, dim, ...dimMults, size, batch].join('-')}.onnx`)
  if (!existsSync(file)) {
    mkdirSync(join(folder, 'onnx'), { recursive: true })
    const unfinished = `${file}.part`
    execFileSync(python, [peer, JSON.stringify({ ...settings, who: 'export', file: unfinished })], {
      env: env(variant),
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    renameSync(unfinished, file)
  }
  return file
}
