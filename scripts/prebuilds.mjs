#!/usr/bin/env node
// `npm run prebuilds`: the tarball as it is published, with an addon for the torch that is fetched; with minor
// versions of torch as arguments, or --all, with one for each of these; with --arch, for other processors too.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compileTypeScript, installPackages, root, statePhase } from './bootstrap.mjs'
import { architectureOf, toolFor } from './cross.mjs'
import { readFlags, refuse } from './flags.mjs'

/** @import { Architecture } from '../dist/system/platform.js' */

/**
 * The public wheels, for x64, of the other minor versions, of which only headers and symbols are used: version, bytes, sha256.
 * @type {Record<string, [version: string, bytes: number, sha256: string]>}
 */
const otherTorches = {
  2.11: ['2.11.0', 530_604_548, '7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a'],
  2.12: ['2.12.1', 532_169_264, '6e29e7e74d05bda7d955c75e99459f878ebd970ef851b4057edbd3b34a5eb4a3'],
  2.14: ['2.14.1', 554_581_699, '305a61f61f35f128579f299c5bd33d475f6a01c6307336139632e30856c4854d'],
  2.15: ['2.15.0', 539_136_850, '48c2d861134c0b5697c7602cb5ffa68f62a2989fdcd1717e593356f67996ca1e'],
}

const { values, words: given } = readFlags({
  command: 'npm run prebuilds --',
  words: '[MINOR...]',
  about: `Makes the tarball as it is published, with an addon for the torch that is fetched, or for the minor versions given.
Others that are known: ${Object.keys(otherTorches).join(', ')}.`,
  flags: {
    all: { help: 'an addon for every minor version that the sources compile against; on arm64 for the fetched one' },
    arch: { value: 'ARCH,...', help: 'for which processors, of x64 and arm64 (default: this machine)' },
  },
})

const archs = (values.arch ?? process.arch).split(',').map((name) => architectureOf(name))

await installPackages()
rmSync(join(root, 'dist'), { recursive: true, force: true })
await compileTypeScript()

const { default: prebuildify } = await import('prebuildify')
const { buildPaths, minorOf, sourceMinors } = await import('../dist/libtorch/builds.js')
const { findLibtorch } = await import('../dist/libtorch/find.js')
const { fetchLibtorch } = await import('../dist/libtorch/fetch.js')
const { torchVersion } = await import('../dist/libtorch/wheels.js')

const fetched = minorOf(torchVersion)
const minors = values.all ? sourceMinors : given.length > 0 ? given : [fetched]
const unknown = minors.filter((minor) => minor !== fetched && !otherTorches[minor])
const names = [fetched, ...Object.keys(otherTorches)].sort().join(', ')
if (unknown.length > 0) refuse(`no torch ${unknown.join(', ')} is known here; known are ${names}`)

const builds = archs.flatMap((arch) => minors.map((minor) => ({ arch, minor })))
/** @param {{ arch: Architecture, minor: string }} build */
const isKnown = ({ arch, minor }) => minor === fetched || arch === 'x64'
const without = builds.find((build) => !isKnown(build))
if (without && !values.all) refuse(`no torch ${without.minor} for ${without.arch} is known here; known is ${fetched}`)

const onLine = (/** @type {string} */ line) => console.error(`  ${line}`)

/**
 * The folder of a libtorch of this minor version; what is fetched for this only lies in `scratch`.
 * @param {{ arch: Architecture, minor: string }} build
 * @param {string} scratch
 */
async function libtorchOf({ arch, minor }, scratch) {
  try {
    return findLibtorch([minor], arch).root
  } catch {
    if (minor === fetched) return fetchLibtorch({ flavour: 'cpu', arch, onLine })
  }
  const [version, bytes, sha256] = otherTorches[minor] ?? refuse(`no torch ${minor} is known here`)
  const torch = { name: 'torch', version, files: [{ sha256, bytes }], exact: true }
  process.env.SHINSAKU_CACHE = scratch
  return fetchLibtorch({
    flavour: 'cpu',
    onLine,
    wheels: { torch: { cpu: torch, cuda: torch }, runtime: [], cuda: [] },
  })
}

/** @type {(name: string, arch: Architecture, cwd: string, out: readonly string[]) => Promise<void>} */
const prebuild = (name, arch, cwd, out) =>
  promisify(prebuildify)({
    name,
    arch,
    cwd,
    out: join(root, ...out),
    napi: true,
    strip: true,
    stripBin: toolFor(arch, 'strip'),
    tagLibc: true,
    nodeGyp: join(root, 'scripts', 'build.mjs'),
    // Named, or prebuildify asks for the newest; the shim builds for every Node there is.
    targets: ['node@20.19.0'],
  })

rmSync(join(root, ...buildPaths.prebuilds), { recursive: true, force: true })
const asked = { ...process.env }
for (const build of builds.filter(isKnown)) {
  const { arch, minor } = build
  await statePhase(`prebuilding for torch ${minor} on ${arch}`, async () => {
    const folder = join(root, 'build', `torch-${minor}${arch === process.arch ? '' : `-${arch}`}`)
    const scratch = join(folder, 'libtorch')
    mkdirSync(folder, { recursive: true })
    process.env.LIBTORCH = await libtorchOf(build, scratch)
    process.env.SHINSAKU_BUILD = folder
    await prebuild('shinsaku', arch, folder, buildPaths.prebuiltAddon(minor))
    if (!existsSync(join(root, ...buildPaths.prebuiltLoader, 'prebuilds', `linux-${arch}`)))
      await prebuild('shinsaku-loader', arch, join(folder, ...buildPaths.loader), buildPaths.prebuiltLoader)
    rmSync(scratch, { recursive: true, force: true })
  })
  process.env = { ...asked }
}

const { stagePackage } = await import('./stage.mjs')
const staged = join(root, 'build', 'package')
rmSync(staged, { recursive: true, force: true })
if (!stagePackage(staged))
  console.error(
    '[shinsaku] not ready to publish: no repository is known, so the tarball does not name one. Set the git remote "origin", or "repository" in package.json.',
  )
cpSync(join(root, ...buildPaths.prebuilds), join(staged, ...buildPaths.prebuilds), { recursive: true })
execFileSync('npm', ['pack', '--ignore-scripts', '--pack-destination', root], {
  cwd: staged,
  stdio: ['ignore', 'inherit', 'inherit'],
})
