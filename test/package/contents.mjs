// What the tarball holds: what must be in it, what must not, how it is typed, and how old a system may be to load it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { root } from '../../scripts/bootstrap.mjs'
import { toolFor } from '../../scripts/cross.mjs'
import { relativeLinks } from '../../scripts/stage.mjs'

const mostBytes = 15e6

const needed = [
  ...[
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'docs/options.md',
    'docs/demo.png',
    'docs/icons.png',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/require.cjs',
    'dist/cli/main.js',
  ],
  ...[
    /^prebuilds\/loader\/prebuilds\/linux-(x64|arm64)\/[^/]+\.node$/,
    /^prebuilds\/torch-2\.\d+\/prebuilds\/linux-(x64|arm64)\/[^/]+\.node$/,
  ],
]
const forbidden =
  /binding\.gyp|CMake|\.(cc|h|map|so|whl|tsbuildinfo)\b|^build\/|^node_modules\/|(?<!\.d)\.ts$|(?<!^dist\/)libtorch/

/** Beside the addon for the same torch; a package made without CUDA's compiler has none. */
const isPlugin = (file) => /^prebuilds\/torch-2\.\d+\/prebuilds\/linux-x64\/shinsaku_cuda\.so$/.test(file)

/** The objdump that reads this native part. */
const objdumpFor = (file) => toolFor(file.includes('/linux-arm64/') ? 'arm64' : 'x64', 'objdump')

// What npm runs by itself where the package is installed, or where it is packed from git.
const lifecycle = [
  'preinstall',
  'install',
  'postinstall',
  'prepublish',
  'preprepare',
  'prepare',
  'postprepare',
  'prepack',
]

/** What a list of the tarball's files lacks or has too much. */
export function fileProblems(files) {
  const has = (wanted) => files.some((file) => (typeof wanted === 'string' ? file === wanted : wanted.test(file)))
  const addons = files.filter((file) => file.endsWith('.node')).map((file) => dirname(file))
  return [
    ...needed.filter((wanted) => !has(wanted)).map((wanted) => `it lacks ${wanted}`),
    ...files.filter((file) => forbidden.test(file) && !isPlugin(file)).map((file) => `it holds ${file}`),
    ...addons.filter((folder, i) => addons.indexOf(folder) !== i).map((folder) => `${folder} holds two addons`),
  ]
}

/** What is wrong with package.json. */
export const manifestProblems = ({ scripts = {}, gypfile, type, exports }) => [
  ...lifecycle.filter((name) => name in scripts).map((name) => `npm would run its script ${name}`),
  ...(gypfile === false ? [] : ['gypfile is not false']),
  ...(type === 'module' && exports?.['.']?.types ? [] : ['it is no ES module with types']),
]

/** What keeps the page that a registry shows from leading anywhere. */
export const pageProblems = ({ repository, homepage, bugs }, readme) =>
  repository && homepage && bugs
    ? relativeLinks(readme).map((link) => `README.md links to ${link}, which works only beside its files`)
    : ['package.json lacks repository, homepage or bugs: npm run prebuilds takes them from the git remote "origin"']

/** The newest versions of libraries that an addon may ask for: glibc 2.30 and GCC 9. */
const newest = { GLIBC: [2, 30], GLIBCXX: [3, 4, 26], CXXABI: [1, 3, 11] }

const isNewer = (version, than) => {
  const at = version.findIndex((part, i) => part !== (than[i] ?? 0))
  return at >= 0 && version[at] > (than[at] ?? 0)
}

/** Symbols, as `objdump -T` lists them, that older systems lack. */
export const symbolProblems = (list) =>
  [...list.matchAll(/\((GLIBC|GLIBCXX|CXXABI)_([\d.]+)\)\s+(\S+)/g)]
    .filter(([, library, version]) => isNewer(version.split('.').map(Number), newest[library]))
    .map(([, library, version, symbol]) => `${symbol} needs ${library} ${version}; see native/portable.cc`)

/**
 * What publint says, suggestions left out, and that the types are an ES module's where the package is required: what
 * require() gives is the ES module.
 */
export async function publintProblems(tarball) {
  // A copy of its own: the buffer of a small file is a piece of Node's shared pool.
  const bytes = Uint8Array.from(readFileSync(tarball))
  const { messages, pkg } = await publint({ pack: { tarball: bytes.buffer }, strict: true })
  const told = messages.filter(({ code, path }) => code !== 'EXPORTS_TYPES_INVALID_FORMAT' || path[1] !== '.')
  return told.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`)
}

// An ES module can be required since Node 20.19, but TypeScript's older settings for CommonJS do not know that, nor attw
// that the CommonJS file hands the ES module on.
export function attwProblems(tarball) {
  const attw = join(root, 'node_modules', '@arethetypeswrong', 'cli', 'dist', 'index.js')
  try {
    const what = ['--profile', 'esm-only', '--ignore-rules', 'false-esm', '--format', 'ascii', '--no-color']
    execFileSync(process.execPath, [attw, tarball, ...what], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return []
  } catch (error) {
    const { stdout, stderr } = /** @type {{ stdout?: string, stderr?: string }} */ (error)
    return [`attw: ${stdout}${stderr}`]
  }
}

const isText = (file) => /\.(js|json|md|ts)$/.test(file)

/** Paths of the machine it was built on. */
function pathProblems(folder, files) {
  const here = [...new Set([root, process.env.HOME ?? '', tmpdir()])].filter((path) => path.length > 1)
  return files.flatMap((file) => {
    const bytes = readFileSync(join(folder, file))
    // Documentation may speak of a temporary folder.
    const found = here.filter((path) => (isText(file) ? path !== tmpdir() : true) && bytes.includes(`${path}/`))
    return found.map((path) => `${file} names ${path}`)
  })
}

/** Everything that is wrong with the tarball, and its size in words. */
export async function contentProblems(tarball) {
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-tarball-'))
  try {
    execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components', '1'])
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      statSync(join(folder, file)).isFile(),
    )
    const addons = files.filter((file) => file.endsWith('.node') || isPlugin(file))
    const { size } = statSync(tarball)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const unready = pageProblems(manifest, readFileSync(join(folder, 'README.md'), 'utf8'))
    const problems = [
      ...fileProblems(files),
      ...manifestProblems(manifest),
      ...(size < mostBytes ? [] : [`it has ${size} bytes, and should have less than ${mostBytes}`]),
      ...pathProblems(folder, files),
      ...addons.flatMap((file) =>
        symbolProblems(execFileSync(objdumpFor(file), ['-T', join(folder, file)], { encoding: 'utf8' })),
      ),
      ...(await publintProblems(tarball)),
      ...attwProblems(tarball),
    ]
    return {
      problems,
      summary: `${(size / 1e6).toFixed(2)} MB, ${files.length} files, ${addons.length} native parts; publint and attw clean${unready.map((problem) => `\nnot ready to publish: ${problem}`).join('')}`,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
