// How each side of a case is started: program, arguments and environment.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ISAS } from './flags.mjs'
import { onnxFile, onnxruntimePackage } from './peers.mjs'
import { isOwn } from './rows.mjs'
import { Side } from './side.mjs'

/** @import { CaseSettings } from './cases.mjs' */
/** @import { Command } from './side.mjs' */
/** @import { Machine } from './machine.mjs' */

const script = (/** @type {string} */ name) => join(import.meta.dirname, name)
export const peer = script('peer')

/**
 * Sides of a GPU's work use the Python at hand; the others have a venv of their own. `fresh` compiles anew.
 * @param {Machine} machine
 * @param {CaseSettings} settings
 */
function pythonFor({ venv }, { variant = '2.3', threads }, fresh = false) {
  if (!venv) {
    const env = {
      ...process.env,
      OMP_WAIT_POLICY: 'passive',
      PYTHONDONTWRITEBYTECODE: '1',
      OMP_NUM_THREADS: String(threads),
      // Several compile at once; by default each would take every core.
      TORCHINDUCTOR_COMPILE_THREADS: '4',
      TOKENIZERS_PARALLELISM: 'false',
    }
    return { program: process.env.SHINSAKU_PYTHON || 'python3', env }
  }
  const { OMP_WAIT_POLICY: _, ...python } = venv.env(variant)
  const cache = fresh ? mkdtempSync(join(tmpdir(), 'shinsaku-inductor-')) : join(venv.folder, 'inductor')
  return {
    program: venv.python,
    env: { ...python, TORCHINDUCTOR_CACHE_DIR: cache, OMP_NUM_THREADS: String(threads) },
  }
}

/**
 * @param {string} who
 * @param {CaseSettings} settings
 * @param {Machine} machine
 * @returns {Command}
 */
function commandOf(who, settings, machine, fresh = false) {
  const { log } = machine
  const held = settings.isa ? ISAS[settings.isa]?.env : {}
  const given = { ...settings, who }
  if (isOwn({ who }))
    return {
      program: process.execPath,
      args: [script('ours.mjs'), JSON.stringify(given)],
      env: { ...process.env, ...held },
      log,
    }
  const { program, env } = pythonFor(machine, settings, fresh)
  const file =
    ['onnxruntime', 'openvino'].includes(who) && machine.venv ? onnxFile(machine.venv, peer, settings) : undefined
  if (who === 'onnxruntime') {
    const more = { ...given, file, package: onnxruntimePackage() }
    return { program: process.execPath, args: [script('onnx.mjs'), JSON.stringify(more)], env: process.env, log }
  }
  return { program, args: [peer, JSON.stringify({ ...given, ...(file && { file }) })], env: { ...env, ...held }, log }
}

/** Tells two sides apart: those of the same key do the same. @param {CaseSettings} settings @param {string} who */
export const keyOf = ({ model, works, precision, batch, size }, who) =>
  [model, ...works, precision, size, batch, who].join(' ')

/**
 * A side that is not started yet.
 * @param {string} who
 * @param {CaseSettings} settings
 * @param {Machine} machine
 */
export const sideOf = (who, settings, machine, fresh = false) =>
  new Side(who, keyOf(settings, who), commandOf(who, settings, machine, fresh))
