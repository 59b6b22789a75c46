/** The native parts that this package holds, and the torch that each was built for. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { torchVersion } from './wheels.ts'

/** The package's root: beside lib/ when run from source, beside dist/ when built. Bundles of CommonJS do not know it. */
export const packageRoot = import.meta.url ? join(dirname(fileURLToPath(import.meta.url)), '..', '..') : ''

/** "2.13" of "2.13.0+cpu": libtorch promises its binary interface within a minor version only. */
export const minorOf = (version: string): string => version.split('.').slice(0, 2).join('.')

/** The minor versions of torch that the sources compile against. */
export const sourceMinors: readonly string[] = ['2.11', '2.12', '2.13', '2.14', '2.15']

/** What prebuildify and node-gyp-build call this machine. */
const platformFolder = `${process.platform}-${process.arch}`

/** Where the parts lie below a package's root. Each folder is one for node-gyp-build and holds one addon. */
export const buildPaths = {
  addon: ['build', 'Release', 'shinsaku.node'],
  /** Holds the minor version of the torch that build/Release was made for. */
  addonTorch: ['build', 'Release', 'torch'],
  loader: ['build', 'loader'],
  prebuilds: ['prebuilds'],
  prebuiltLoader: ['prebuilds', 'loader'],
  prebuiltAddon: (minor: string) => ['prebuilds', `torch-${minor}`],
  /** The CUDA plugin beside the addon, where it was built and where prebuildify puts it; some have none. */
  plugin: ['build', 'Release', 'shinsaku_cuda.so'],
  prebuiltPlugin: ['prebuilds', platformFolder, 'shinsaku_cuda.so'],
} as const

/** Folders for node-gyp-build. */
export type Builds = {
  /** Whether they were built in this folder, rather than shipped with the package. */
  local: boolean
  loader: string
  /** Minor version of torch → addon. */
  addons: ReadonlyMap<string, string>
}

function localMinor(root: string): string {
  const file = join(root, ...buildPaths.addonTorch)
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : minorOf(torchVersion)
}

/** What was built in the package's own folder, else what it was shipped with. */
export function findBuilds(root = packageRoot): Builds {
  if (existsSync(join(root, ...buildPaths.addon)))
    return { local: true, loader: join(root, ...buildPaths.loader), addons: new Map([[localMinor(root), root]]) }
  const folder = join(root, ...buildPaths.prebuilds)
  const minors = (existsSync(folder) ? readdirSync(folder) : []).flatMap(
    (name) => name.match(/^torch-(\d+\.\d+)$/)?.[1] ?? [],
  )
  const isForHere = (minor: string) =>
    existsSync(join(root, ...buildPaths.prebuiltAddon(minor), 'prebuilds', platformFolder))
  const number = (minor: string) => Number(minor.split('.')[1])
  const addons = minors
    .filter(isForHere)
    .sort((a, b) => number(a) - number(b))
    .map((minor) => [minor, join(root, ...buildPaths.prebuiltAddon(minor))] as const)
  return { local: false, loader: join(root, ...buildPaths.prebuiltLoader), addons: new Map(addons) }
}

/** Where the CUDA plugin for this torch would lie. */
export function pluginFor(builds: Builds, version: string): string | undefined {
  const addon = builds.addons.get(minorOf(version))
  if (addon === undefined) return undefined
  return join(addon, ...(builds.local ? buildPaths.plugin : buildPaths.prebuiltPlugin))
}

/** The minor versions of torch that this package can be used with. */
export function usableMinors({ addons } = findBuilds()): readonly string[] {
  return addons.size > 0 ? [...addons.keys()] : [minorOf(torchVersion)]
}

/** The addon for this torch; where there is none (its version is not checked), that of the nearest one. */
export function addonFor({ addons }: Builds, version: string): string | undefined {
  const distance = (minor: string) => Math.abs(Number(minor.split('.')[1]) - Number(version.split('.')[1]))
  const [nearest] = [...addons.keys()].sort((a, b) => distance(a) - distance(b))
  return addons.get(minorOf(version)) ?? (nearest === undefined ? undefined : addons.get(nearest))
}
