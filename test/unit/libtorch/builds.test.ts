import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  addonFor,
  buildPaths,
  findBuilds,
  minorOf,
  packageRoot,
  pluginFor,
  sourceMinors,
  usableMinors,
} from '../../../lib/libtorch/builds.ts'
import { torchVersion } from '../../../lib/libtorch/wheels.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const here = `linux-${process.arch}`
const prebuilt = (minor: string, platform = here) => [
  ...buildPaths.prebuiltAddon(minor),
  'prebuilds',
  platform,
  'shinsaku.glibc.node',
]

/** A package with these files in it, each with its own path as text. */
function packageWith(...files: (readonly string[])[]): string {
  const root = temporaryFolder()
  for (const file of files) {
    mkdirSync(dirname(join(root, ...file)), { recursive: true })
    writeFileSync(join(root, ...file), file.join('/'))
  }
  return root
}

describe('a package as it is shipped', () => {
  const shipped = (...minors: string[]) =>
    packageWith(['prebuilds', 'loader', 'x.node'], ...minors.map((minor) => prebuilt(minor)))

  test('holds an addon for each minor version of torch', () => {
    const root = shipped('2.11', '2.9', '2.13')
    const builds = findBuilds(root)
    expect(builds).toMatchObject({ local: false, loader: join(root, 'prebuilds', 'loader') })
    expect(usableMinors(builds)).toEqual(['2.9', '2.11', '2.13'])
  })

  test('the one for the libtorch that was found is taken; where none is, the nearest', () => {
    const root = shipped('2.11', '2.13', '2.14')
    const chosen = (version: string) => addonFor(findBuilds(root), version)
    const folder = (minor: string) => join(root, 'prebuilds', `torch-${minor}`)
    expect(chosen('2.11.0')).toBe(folder('2.11'))
    expect(chosen('2.13.7')).toBe(folder('2.13'))
    expect(chosen('2.14.1')).toBe(folder('2.14'))
    expect(chosen('2.16.0')).toBe(folder('2.14'))
    expect(chosen('2.8.0')).toBe(folder('2.11'))
  })

  test('addons for other processors are none', () => {
    const other = process.arch === 'x64' ? 'linux-arm64' : 'linux-x64'
    const root = packageWith(prebuilt('2.13', other), prebuilt('2.14', other), prebuilt('2.14'))
    expect(usableMinors(findBuilds(root))).toEqual(['2.14'])
    expect(addonFor(findBuilds(packageWith(prebuilt('2.13', other))), torchVersion)).toBeUndefined()
  })

  test('without any addon it asks for the libtorch that it would fetch', () => {
    const builds = findBuilds(packageWith())
    expect(usableMinors(builds)).toEqual([minorOf(torchVersion)])
    expect(addonFor(builds, torchVersion)).toBeUndefined()
  })
})

test('the CUDA plugin lies beside the addon of its torch, and another torch has none', () => {
  const built = packageWith(buildPaths.addon)
  expect(pluginFor(findBuilds(built), torchVersion)).toBe(join(built, 'build', 'Release', 'shinsaku_cuda.so'))
  const root = packageWith(prebuilt('2.13'), prebuilt('2.14'))
  const of = (version: string) => pluginFor(findBuilds(root), version)
  expect(of('2.14.1')).toBe(join(root, 'prebuilds', 'torch-2.14', 'prebuilds', here, 'shinsaku_cuda.so'))
  expect(of('2.12.0')).toBeUndefined()
})

test('what was built in the folder comes first, for the torch it was built for', () => {
  const root = packageWith(buildPaths.addon, prebuilt('2.13'))
  expect(findBuilds(root)).toEqual({
    local: true,
    loader: join(root, 'build', 'loader'),
    addons: new Map([[minorOf(torchVersion), root]]),
  })
  writeFileSync(join(root, ...buildPaths.addonTorch), '2.15\n')
  expect(usableMinors(findBuilds(root))).toEqual(['2.15'])
})

test('the torch that is fetched is one that the sources compile against', () => {
  expect(sourceMinors).toContain(minorOf(torchVersion))
  expect(JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')).name).toBe('shinsaku')
})
