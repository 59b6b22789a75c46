// The sides of a case: processes that do one piece of work for each line they read and answer with its time.
import { spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ISAS, OWN } from './flags.mjs'
import { onnxFile, onnxruntimePackage } from './peers.mjs'

const script = (name) => fileURLToPath(new URL(name, import.meta.url))

/** Program, arguments and environment of a side. */
function command(who, settings, venv, fresh) {
  const given = { ...settings, who }
  const { OMP_WAIT_POLICY: _, ...python } = venv.env(settings.variant ?? '2.3')
  const held = ISAS[settings.isa]?.env
  if (OWN.includes(who)) return [process.execPath, script('ours.mjs'), given, { ...process.env, ...held }]
  const drawnAsOnnx = ['onnxruntime', 'openvino'].includes(who)
  if (drawnAsOnnx) Object.assign(given, { file: onnxFile(venv, script('peer.py'), settings) })
  if (who === 'onnxruntime')
    return [process.execPath, script('onnx.mjs'), { ...given, package: onnxruntimePackage }, process.env]
  const cache = fresh ? mkdtempSync(join(tmpdir(), 'shinsaku-inductor-')) : join(venv.folder, 'inductor')
  const env = { ...python, ...held, TORCHINDUCTOR_CACHE_DIR: cache, OMP_NUM_THREADS: String(settings.threads) }
  const file = settings.group === 'dcgan' && who !== 'peak' ? 'peer_dcgan.py' : 'peer.py'
  return [venv.python, script(file), given, env]
}

/** One side, ready to work: it has done each piece of work once. `fresh` compiles anew. */
export async function start(who, settings, venv, fresh = false) {
  const [program, file, given, env] = command(who, settings, venv, fresh)
  const begun = performance.now()
  const child = spawn(program, [file, JSON.stringify(given)], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const answer = async () => {
    const { value, done } = await lines.next()
    if (done) throw new Error(`${who} ended; its errors are above`)
    return JSON.parse(value)
  }
  const first = await answer()
  const ready = performance.now() - begun
  return {
    who,
    ready,
    ...first,
    work(name) {
      child.stdin.write(`${name}\n`)
      return answer()
    },
    async end() {
      child.stdin.end()
      await ended
    },
  }
}
