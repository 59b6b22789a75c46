#!/usr/bin/env node
// The one native build: CMake into build/cmake, then the two addons to where node-gyp-build looks for them.
// It also stands in for node-gyp under prebuildify, whose "rebuild --target=... --arch=..." it accepts.
// SHINSAKU_BUILD names another folder to build in; what is for another processor has one of its own.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { architectureOf, crossFlags } from './cross.mjs'
import { readFlags } from './flags.mjs'

const { values, words } = readFlags({
  command: 'node scripts/build.mjs',
  words: '[rebuild]',
  about: `Builds the addon into build/, with CMake, for the libtorch that is found. SHINSAKU_BUILD names another folder.
With "rebuild", as prebuildify calls it, what is built can be shipped.`,
  flags: {
    debug: { help: 'a build for a debugger' },
    clean: { help: 'begins anew' },
    sanitize: { help: 'with AddressSanitizer and UndefinedBehaviorSanitizer' },
    target: { value: 'NODE', help: "prebuildify's; one build is for every Node" },
    arch: { value: 'ARCH', help: 'x64 or arm64, where it is not this machine: with a cross compiler, into build/ARCH' },
    devdir: { value: 'FOLDER', help: "prebuildify's; no headers of Node are fetched" },
    release: { help: "prebuildify's; the usual build" },
  },
})
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const config = values.debug ? 'Debug' : 'Release'
const toShip = words.includes('rebuild')
const arch = architectureOf(values.arch)
const base = resolve(process.env.SHINSAKU_BUILD || (arch === process.arch ? root : join(root, 'build', arch)))
const out = join(base, 'build', 'cmake')
if (values.clean) rmSync(out, { recursive: true, force: true })

const { buildPaths, minorOf, sourceMinors } = await import('../dist/libtorch/builds.js')
const { findLibtorch } = await import('../dist/libtorch/find.js')
const libtorch = findLibtorch(sourceMinors, arch)

// A build folder that was made for another libtorch would mix two of them.
const cache = join(out, 'CMakeCache.txt')
if (existsSync(cache) && !readFileSync(cache, 'utf8').includes(`LIBTORCH:PATH=${libtorch.root}\n`))
  rmSync(out, { recursive: true })

const ninja = spawnSync('ninja', ['--version']).status === 0 ? ['-G', 'Ninja'] : []
const run = (/** @type {string[]} */ ...args) =>
  execFileSync('cmake', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
const sanitize = values.sanitize ? ['-DSHINSAKU_SANITIZE=ON'] : []
// What is shipped names no folder of the machine it was built on, and runs on older ones.
const flags = toShip
  ? [
      '-DSHINSAKU_PORTABLE=ON',
      `-DCMAKE_CXX_FLAGS=-ffile-prefix-map=${root}/= -ffile-prefix-map=${libtorch.root}/=libtorch/`,
    ]
  : []
run(
  '-S',
  root,
  '-B',
  out,
  ...ninja,
  `-DCMAKE_BUILD_TYPE=${config}`,
  `-DLIBTORCH=${libtorch.root}`,
  ...crossFlags(arch),
  ...sanitize,
  ...flags,
  '-Wno-dev',
)
const plugin = buildPaths.plugin.at(-1) ?? ''
const hasPlugin = readFileSync(join(out, 'CMakeCache.txt'), 'utf8').includes('NVCC:FILEPATH=/')
const targets = toShip ? ['--target', 'shinsaku', 'loader', ...(hasPlugin ? ['shinsaku_cuda'] : [])] : []
run('--build', out, '-j', String(availableParallelism()), ...targets)

/** Replaced by rename: a process that has the old one mapped keeps it whole. @param {string} file @param {string} folder */
function place(file, folder) {
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(out, file), join(folder, `.${file}`))
  renameSync(join(folder, `.${file}`), join(folder, file))
}
place('shinsaku.node', join(base, 'build', config))
if (existsSync(join(out, plugin))) place(plugin, join(base, 'build', config))
place('loader.node', join(base, ...buildPaths.loader, 'build', config))
writeFileSync(join(base, ...buildPaths.addonTorch), `${minorOf(libtorch.version)}\n`)
