// What an installed package does about libtorch: two set-ups at once, one of them killed, then no network at all.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { run } from './project.mjs'

const ended = (child) => new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal })))

/** Fetches libtorch into an empty cache in the project's folder. */
export async function checkSetup(folder, node) {
  const cli = join(folder, 'node_modules', 'shinsaku', 'dist', 'cli', 'main.js')
  const env = { ...process.env, SHINSAKU_CACHE: join(folder, 'cache') }
  for (const name of ['LIBTORCH', 'LIBTORCH_USE_PYTORCH', 'SHINSAKU_OFFLINE', 'SHINSAKU_FETCH']) delete env[name]
  const doctor = () => {
    try {
      return JSON.parse(run(node, [cli, 'doctor', '--json'], { cwd: folder, env }))
    } catch (error) {
      const { message } = /** @type {Error} */ (error)
      return JSON.parse(message.slice(message.indexOf('{')))
    }
  }
  if (doctor().ok) throw new Error('doctor finds nothing wrong in an empty cache')

  const setup = () => spawn(node, [cli, 'setup', '--cpu'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
  const first = setup()
  const firstEnded = ended(first)
  await new Promise((resolve) => first.stderr.once('data', resolve))
  const second = setup()
  const secondEnded = ended(second)
  let said = ''
  second.stderr.on('data', (chunk) => {
    said += chunk
    if (said.includes('waiting for process')) first.kill('SIGKILL')
  })
  const [{ signal }, { code }] = [await firstEnded, await secondEnded]
  if (code !== 0) throw new Error(`the second set-up ended with ${code}:\n${said}`)

  const { ok, checks } = doctor()
  if (!ok) throw new Error(JSON.stringify(checks, null, 2))
  const offline = {
    ...env,
    SHINSAKU_OFFLINE: '1',
    PIP_INDEX_URL: 'http://127.0.0.1:9/',
    PIP_CONFIG_FILE: '/dev/null',
    PIP_FIND_LINKS: '',
  }
  run(node, ['import.mjs'], { cwd: folder, env: offline })
  return `the first ended by ${signal ?? 'itself'}, the second went on; doctor is content; trains offline`
}
