// The folder that a tarball is packed from: what is published, with the repository's address in package.json and README.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import hostedGitInfo from 'hosted-git-info'
import { root } from './bootstrap.mjs'

/** Links and pictures of Markdown that lead to a file of the repository: mark, text with the bracket before, path. */
const relativeLink = /(!?)(\[(?:[^[\]]|\[[^\]]*\])*\]\()(?![a-z]+:|[#/])([^)\s]+)(?=\))/g

/**
 * The repository: what package.json says, else where git fetches from. Undefined where neither is an address of a host.
 * @param {{ repository?: string | { url: string } }} manifest
 * @param {string} folder
 */
export function repositoryOf({ repository }, folder = root) {
  const told = typeof repository === 'string' ? repository : repository?.url
  return hostedGitInfo.fromUrl(told ?? remoteOf(folder))
}

/** @param {string} folder */
function remoteOf(folder) {
  try {
    return execFileSync('git', ['config', '--get', 'remote.origin.url'], {
      cwd: folder,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return undefined // no git, no clone, or no remote
  }
}

/** package.json with `repository`, `homepage` and `bugs`. */
export const withRepository = (manifest, repository) => ({
  ...manifest,
  repository: { type: 'git', url: repository.https({ noCommittish: true }) },
  homepage: repository.docs({ noCommittish: true }),
  bugs: { url: repository.bugs() },
})

/** A page of the root whose links lead to the files of the tag `v<version>`, from wherever the page is shown. */
export const withAbsoluteLinks = (page, repository, version) =>
  page.replace(relativeLink, (_, mark, text, target) => {
    const [path, fragment] = target.split('#')
    const committish = `v${version}`
    const url = mark ? repository.file(path, { committish }) : repository.browseFile(path, { committish })
    return `${mark}${text}${url}${fragment === undefined ? '' : `#${fragment}`}`
  })

/** Links of a page that work only beside its files. */
export const relativeLinks = (page) => [...page.matchAll(relativeLink)].map(([, , , path]) => path)

/** Copies into `folder` what is published, prebuilt addons aside. Returns the repository, where one is known. @param {string} folder */
export function stagePackage(folder) {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const known = repositoryOf(manifest)
  mkdirSync(folder, { recursive: true })
  for (const name of ['LICENSE', 'CHANGELOG.md', 'docs', 'dist'])
    cpSync(join(root, name), join(folder, name), { recursive: true })
  const published = known ? withRepository(manifest, known) : manifest
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  writeFileSync(join(folder, 'README.md'), known ? withAbsoluteLinks(readme, known, manifest.version) : readme)
  return known
}
