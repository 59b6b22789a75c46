// Imports the package by name and prints, as JSON, what that cost the processor beside Node's own start, or what it loaded.
import { readFileSync } from 'node:fs'
import { Session } from 'node:inspector'

const [, , mode] = process.argv

/** Library files mapped into this process. */
const mapped = () => [...new Set(readFileSync('/proc/self/maps', 'utf8').match(/\/\S+\.(?:so|node)\S*$/gm))]

if (mode === 'cost') {
  const computed = () => {
    const { user, system } = process.cpuUsage()
    return user + system
  }
  const start = computed()
  await import('shinsaku')
  console.log(JSON.stringify({ start, import: computed() - start }))
} else {
  // The debugger names every script as it is loaded; this works in every Node there is.
  const scripts = []
  const session = new Session()
  session.connect()
  session.on('Debugger.scriptParsed', ({ params }) => scripts.push(params.url))
  session.post('Debugger.enable')
  const { train } = await import('shinsaku')
  if (mode === 'use') {
    // Options are checked and the addon loaded before this folder turns out to be missing; no picture is decoded then.
    await train({ data: '/nowhere', out: '/nowhere', device: 'cpu' }).then(undefined, () => {})
    await import('sharp')
  }
  console.log(JSON.stringify({ scripts, libraries: mapped() }))
}
