/** The rules of the tree: layers, what may be loaded where, the two worlds of C++, and how a file looks. */
import ts from 'typescript'
import { cppCode, importsOf, includesOf, nodes, openingComment, parse, reach, type Sources, select } from './sources.ts'

/** Says what in the sources breaks a rule, one line each. */
export type Rule = (sources: Sources) => string[]

/** The floors of lib/ from the lowest up; what stands on one imports only from its own folder and from floors below. */
const floors: readonly (readonly string[])[] = [
  ['errors.ts'],
  ['system'],
  ['files'],
  ['distributed'],
  ['html'],
  ['http'],
  ['images'],
  ['safetensors', 'pytorch'],
  ['options', 'models'],
  ['libtorch'],
  ['native'],
  ['backend'],
  ['icons'],
  ['fonts'],
  ['data'],
  ['checkpoint'],
  ['run'],
  ['convert'],
  ['sampling'],
  ['evaluate'],
  ['train'],
  ['distil'],
  ['study'],
  ['queue'],
  ['watch'],
  ['mcp'],
  ['onnx'],
  ['publish'],
  ['serve'],
  ['index.ts'],
  ['cli', 'doctor'],
]

/** Where in lib/ a package may be imported; all others not at all. */
const packages: Readonly<Record<string, readonly string[]>> = {
  sharp: ['lib/images/sharp.ts'],
  commander: ['lib/cli/'],
  'opentype.js': ['lib/fonts/typeface.ts'],
  'csv-parse': ['lib/data/licences.ts', 'lib/data/labels/table.ts'],
  fflate: ['lib/files/zip.ts'],
  tar: ['lib/files/tar.ts'],
  fastify: ['lib/http/', 'lib/serve/listen.ts'],
  '@modelcontextprotocol/sdk': ['lib/mcp/server.ts'],
  'node-gyp-build': ['lib/native/'],
  zod: [
    'lib/options/',
    'lib/models/',
    'lib/checkpoint/records.ts',
    'lib/files/read.ts',
    'lib/backend/select.ts',
    'lib/data/labels/table.ts',
    'lib/run/directory.ts',
    'lib/run/guard-records.ts',
    'lib/evaluate/extractor/store.ts',
    'lib/evaluate/report/gather.ts',
    'lib/evaluate/samples.ts',
    'lib/publish/newness.ts',
    'lib/queue/',
    'lib/watch/details.ts',
    'lib/mcp/tools.ts',
    'lib/serve/openapi.ts',
  ],
}

const code = ['.ts', '.mjs', '.cc', '.h', '.py']

const floorOf = (path: string): number => {
  const [, name] = path.split('/')
  return path.startsWith('lib/') ? floors.findIndex((floor) => floor.includes(name!)) : -1
}

/** All imports of lib/, as pairs. */
const importsOfLib = (sources: Sources) =>
  select(sources, 'lib/', '.ts').flatMap(([path, text]) => importsOf(path, text).map((found) => ({ path, ...found })))

export const pointDown: Rule = (sources) =>
  importsOfLib(sources)
    .filter(({ path, of, from }) => of === 'file' && !(floorOf(from) >= 0 && floorOf(from) <= floorOf(path)))
    .map(({ path, from }) => `${path} imports ${from}`)

export const noCycles: Rule = (sources) => {
  const targets = new Map<string, string[]>()
  for (const { path, from } of importsOfLib(sources)) targets.set(path, [...(targets.get(path) ?? []), from])
  return [...targets].flatMap(([path, direct]) => {
    // The shortest way back to a file; each cycle is told once, by the first of its files.
    const ways = direct.map((target) => reach(target, (from) => targets.get(from) ?? []).get(path))
    const [way] = ways.filter((found) => found !== undefined).sort((a, b) => a.length - b.length)
    return way?.every((other) => path <= other) ? [[path, ...way].join(' > ')] : []
  })
}

export const packagesInPlace: Rule = (sources) =>
  importsOfLib(sources)
    .filter(({ of, path, from }) => of === 'package' && !packages[from]?.some((place) => path.startsWith(place)))
    .map(({ path, from }) => `${path} imports ${from}`)

const addonLoaders = ['createRequire', 'dlopen', 'node-gyp-build']

export const addonInPlace: Rule = (sources) =>
  select(sources, 'lib/', '.ts')
    .filter(([path]) => !path.startsWith('lib/native/'))
    .flatMap(([path, text]) =>
      [...nodes(parse(path, text))]
        .filter((node): node is ts.Identifier => ts.isIdentifier(node) || ts.isStringLiteralLike(node))
        .filter(({ text }) => addonLoaders.includes(text))
        .map(({ text }) => `${path} names ${text}`),
    )

export const signalsInCli: Rule = (sources) =>
  select(sources, 'lib/', '.ts')
    .filter(([path]) => !path.startsWith('lib/cli/'))
    .flatMap(([path, text]) =>
      [...nodes(parse(path, text))].flatMap((node) =>
        ts.isStringLiteralLike(node) && /^SIG(INT|TERM|HUP|QUIT)$/.test(node.text)
          ? [`${path} names ${node.text}`]
          : [],
      ),
    )

export const lightIndex: Rule = (sources) => {
  const ways = reach('lib/index.ts', (path) =>
    importsOf(path, sources.get(path) ?? '').flatMap(({ kind, of, from }) =>
      kind !== 'static' || of === 'node' ? [] : [of === 'package' ? `package ${from}` : from],
    ),
  )
  return [...ways].filter(([from]) => from.startsWith('package ')).map(([, way]) => way.join(' > '))
}

/** What of node:fs and node:fs/promises changes nothing. */
const readers = new Set(
  'access accessSync constants existsSync lstat lstatSync opendir readdir readdirSync readFile readFileSync readlink realpath realpathSync stat statfs statfsSync statSync'.split(
    ' ',
  ),
)
/** Names that write, whatever they are called on: a file handle, sharp's picture, the module itself. */
const writers = /^(writeFile|appendFile|createWriteStream|toFile|truncate|datasync|writev?Sync|copyFile|rmdir|unlink)$/
/** Opens for reading only. libtorch is unpacked by pip in any case; nothing of a run is written there. */
const opensFiles = ['lib/files/read.ts']
const writesItself = ['lib/files/write.ts', 'lib/libtorch/']

function* fileSystemNames(path: string, text: string): Generator<string> {
  for (const node of nodes(parse(path, text))) {
    if (ts.isIdentifier(node) && writers.test(node.text) && !ts.isMethodDeclaration(node.parent)) yield node.text
    if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) continue
    if (!/^(node:)?fs(\/promises)?$/.test(node.moduleSpecifier.text)) continue
    const { importClause } = node
    if (!importClause || importClause.isTypeOnly) continue
    if (importClause.name) yield importClause.name.text
    const { namedBindings } = importClause
    if (!namedBindings) continue
    if (ts.isNamespaceImport(namedBindings)) yield namedBindings.name.text
    else
      for (const { isTypeOnly, propertyName, name } of namedBindings.elements) {
        const imported = (propertyName ?? name).text
        const allowed = readers.has(imported) || (imported === 'open' && opensFiles.includes(path))
        if (!isTypeOnly && !allowed) yield imported
      }
  }
}

export const oneWriter: Rule = (sources) =>
  select(sources, 'lib/', '.ts')
    .filter(([path]) => !writesItself.some((place) => path.startsWith(place)))
    .flatMap(([path, text]) =>
      // `disk` is the layer itself: its members are called by their names.
      [...new Set(fileSystemNames(path, text.replaceAll('disk.truncate', 'disk')))].map(
        (name) => `${path} names ${name}`,
      ),
    )

const torch = /^(ATen|c10|torch|caffe2)\//
const napi = /^(napi\.h|napi-inl\.h|node_api\.h|js_native_api\.h)$/

export const twoWorlds: Rule = (sources) =>
  select(sources, 'native/', '.cc', '.h').flatMap(([path]) => {
    const seen = [...reach(path, (from) => includesOf(from, sources)).keys()]
    const [aTorch, aNapi] = [seen.find((name) => torch.test(name)), seen.find((name) => napi.test(name))]
    const both = aTorch && aNapi ? [`${path} sees ${aNapi} and ${aTorch}`] : []
    const up = path.startsWith('native/core/')
      ? seen.filter((name) => napi.test(name) || name.startsWith('native/napi/'))
      : seen.filter((name) => name.startsWith('native/core/') && name !== 'native/core/api.h')
    return [...both, ...up.map((name) => `${path} sees ${name}`)]
  })

const wholesale =
  /^(torch\/(torch|all|types|nn|extension|script)\.h|ATen\/(ATen|Functions|NativeFunctions|Operators)\.h)$/
const ioHeaders = /^(cstdio|stdio\.h|[io]?o?stream|[io]?fstream|iomanip|syncstream|filesystem|print|fcntl\.h|sys\/.*)$/
const ioNames = /\b(v?[fsd]?n?printf|f?puts|f?putchar|perror|f(?:re)?open|cout|cerr|clog|cin|[io]?fstream|getenv)\b/g

export const fineHeaders: Rule = (sources) =>
  select(sources, 'native/', '.cc', '.h').flatMap(([path]) =>
    includesOf(path, sources).flatMap((name) => (wholesale.test(name) ? [`${path} includes ${name}`] : [])),
  )

/** The allocator asks the kernel for huge pages of memory; it maps no file. */
const mayAdvise = (path: string, name: string) =>
  path === 'native/core/runtime/caching_allocator.cc' && name === 'sys/mman.h'

/** c10d's store listens on every address, so it is given a socket that listens on one. */
const mayListen = (path: string, name: string) =>
  path === 'native/core/distributed/listen.cc' && name === 'sys/socket.h'

export const silentNative: Rule = (sources) =>
  select(sources, 'native/', '.cc', '.h').flatMap(([path, text]) => [
    ...includesOf(path, sources).flatMap((name) =>
      ioHeaders.test(name) && !mayAdvise(path, name) && !mayListen(path, name) ? [`${path} includes ${name}`] : [],
    ),
    ...[...cppCode(text).matchAll(ioNames)].map(([name]) => `${path} names ${name}`),
  ])

const owned = [
  'lib/',
  'native/',
  'bench/',
  'scripts/',
  ...['helpers', 'golden/make', 'exactness', 'fuzz', 'durability', 'package'].map((folder) => `test/${folder}/`),
]
const isDirective = /^(@|biome-ignore|eslint|prettier|<reference|copyright|spdx)/i

export const saysWhatItOwns: Rule = (sources) =>
  owned
    .flatMap((folder) => select(sources, folder, ...code))
    .filter(([path, text]) => !/\w/.test(openingComment(path, text)) || isDirective.test(openingComment(path, text)))
    .map(([path]) => path)

export const short: Rule = (sources) =>
  select(sources, '', ...code)
    .filter(([, text]) => text.split('\n').length - 1 > 400)
    .map(([path, text]) => `${path} has ${text.split('\n').length - 1} lines`)

const promise = /\b(?:TO-?DO|FIX-?ME)\b/gi
const machinePath = /(?<![\w.@/-])\/(?:work|tmp|root|home|mnt|Users)\/[\w.-]+/g

const words =
  (pattern: RegExp): Rule =>
  (sources) =>
    [...sources].flatMap(([path, text]) => [...text.matchAll(pattern)].map(([found]) => `${path} says ${found}`))

export const finished: Rule = words(promise)
export const anyMachine: Rule = words(machinePath)
