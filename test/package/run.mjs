#!/usr/bin/env node
// `npm run pack-check`: proves that the tarball works where npm, pnpm, yarn, Bun and Deno put it, on every Node that
// is supported. Fetches those programs from npm's registry; libtorch is the one that is found on this machine.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { root } from '../../scripts/bootstrap.mjs'
import { readFlags, refuse } from '../../scripts/flags.mjs'

const { values, words: given } = readFlags({
  command: 'npm run pack-check --',
  words: '[FILE.tgz] [CHECK...]',
  about: `Proves that the tarball, which npm run prebuilds made, works where npm, pnpm, yarn, Bun and Deno put it, on every Node
that is supported. CHECK is a part of a check's name, such as pnpm or "Node 22".`,
  flags: { tools: { value: 'FOLDER', help: 'where package managers and runtimes are kept for another time' } },
})
const { userCacheFolder } = await import('../../dist/system/cache.js')
const { contentProblems } = await import('./contents.mjs')
const { checkDockerfile } = await import('./dockerfiles.mjs')
const { install, use, useInJest } = await import('./project.mjs')
const { checkSetup } = await import('./setup.mjs')
const { binary, fetchTools, nodeMajors, versionOf } = await import('./tools.mjs')

const [tarball = readdirSync(root).find((name) => name.endsWith('.tgz'))] = given.filter((word) =>
  word.endsWith('.tgz'),
)
const wanted = given.filter((word) => !word.endsWith('.tgz'))
if (!tarball) refuse('there is no tarball; npm run prebuilds makes it')

const work = mkdtempSync(join(tmpdir(), 'shinsaku-pack-'))
const tools = values.tools ? resolve(values.tools) : join(work, 'tools')
const plain = join(work, 'plain')
const odd = join(work, 'mit Leerzeichen, ümlaut 新作')
/** @type {{ name: string, passed: boolean, text: string }[]} */
const results = []

/** Runs one check if it is wanted; what it returns is reported beside its name, what it throws is why it failed. @param {string} name @param {() => unknown} work */
async function check(name, work) {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) return
  const started = performance.now()
  const result = { name, passed: true, text: '' }
  try {
    result.text = String((await work()) ?? '')
  } catch (error) {
    Object.assign(result, { passed: false, text: /** @type {Error} */ (error).message.trim() })
  }
  results.push(result)
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(
    `${result.passed ? 'ok    ' : 'FAILED'}  ${name}  ${result.text.split('\n').slice(-12).join('\n        ')} (${seconds} s)`,
  )
}

const file = resolve(tarball)
await check('contents', async () => {
  const { problems, summary } = await contentProblems(file)
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return summary
})
if (!existsSync(join(tools, 'node_modules'))) fetchTools(tools)

for (const manager of ['npm', 'pnpm', 'yarn-classic', 'yarn-berry', 'yarn-pnp', 'bun']) {
  const folder = join(odd, manager)
  await check(`${manager}, odd path`, async () => {
    mkdirSync(folder, { recursive: true })
    install(manager, folder, file, tools)
    return `${versionOf(tools, manager)}; ${use(folder, { tools, runner: manager })}`
  })
}
await check('npm, plain path', () => {
  mkdirSync(plain)
  install('npm', plain, file, tools)
  return use(plain, { tools, runner: 'npm' })
})
await check('npm ci', () => {
  install('npm ci', plain, file, tools)
  return use(plain, { tools, runner: 'npm' })
})
for (const major of nodeMajors)
  await check(
    `Node ${major}`,
    () => `${versionOf(tools, `node-${major}`)}; ${use(plain, { tools, runner: `node-${major}`, types: true })}`,
  )
await check('Deno', () => `${versionOf(tools, 'deno')}; ${use(plain, { tools, runner: 'deno' })}`)
await check('Jest', () => useInJest(plain, tools))
await check('Dockerfile, step by step', () =>
  checkDockerfile(join(root, 'docker', 'cpu.Dockerfile'), {
    context: dirname(file),
    folder: join(work, 'docker'),
    // What is fetched already need not be fetched again.
    env: { SHINSAKU_CACHE: userCacheFolder() },
  }),
)
await check('setup', () => checkSetup(plain, binary(tools, 'node-24')))

const failed = results.filter(({ passed }) => !passed)
if (failed.length > 0) console.log(`What was installed is kept: ${work}`)
else rmSync(work, { recursive: true, force: true })
console.log(`${results.length - failed.length} of ${results.length} checks passed`)
process.exit(failed.length > 0 ? 1 : 0)
