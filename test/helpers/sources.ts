/** The sources of this repository, and what each file imports, includes and says. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** Path from the repository's root → text. */
export type Sources = ReadonlyMap<string, string>

/**
 * A module that a file names: a file of this repository by its path from the root, an npm package by its name, or
 * one of Node's own. 'type' leaves no trace in the compiled file, 'dynamic' loads at the call.
 */
export type Import = { of: 'file' | 'package' | 'node'; from: string; kind: 'static' | 'type' | 'dynamic' }

const root = fileURLToPath(new URL('../..', import.meta.url))

const folders = ['lib', 'native', 'bench', 'scripts', 'test', 'docs']
const kinds = /(\.(ts|mjs|cc|h|py|md)|^CMakeLists\.txt|^[\w.]+\.json|\.gyp)$/

/** Every file that a person writes: code, prose and settings; goldens and fixtures are made by programs. */
export function readSources(): Sources {
  const inFolders = folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => posix.join(folder, name)),
  )
  const atRoot = readdirSync(root).filter((name) => name !== 'package-lock.json')
  const paths = [...atRoot, ...inFolders].filter((path) => kinds.test(path)).sort()
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

/** The sources under `prefix` whose name ends in one of `endings`. */
export const select = (sources: Sources, prefix: string, ...endings: string[]): [string, string][] =>
  [...sources].filter(([path]) => path.startsWith(prefix) && endings.some((ending) => path.endsWith(ending)))

const parsed = new Map<string, ts.SourceFile>()

/** The syntax tree of a TypeScript or JavaScript text, with parents. */
export function parse(path: string, text: string): ts.SourceFile {
  const key = `${path}\n${text}`
  const tree = parsed.get(key) ?? ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  parsed.set(key, tree)
  return tree
}

/** Every node of a tree, parents first. */
export function* nodes(node: ts.Node): Generator<ts.Node> {
  yield node
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => {
    children.push(child)
  })
  for (const child of children) yield* nodes(child)
}

const textOf = (node: ts.Node | undefined): string =>
  node && ts.isStringLiteralLike(node) ? node.text : `(computed) ${node?.getText() ?? ''}`

// With verbatimModuleSyntax `import { type A } from 'x'` still loads x; only `import type` does not.
function moduleOf(node: ts.Node): { name: string; kind: Import['kind'] } | undefined {
  if (ts.isImportDeclaration(node))
    return { name: textOf(node.moduleSpecifier), kind: node.importClause?.isTypeOnly ? 'type' : 'static' }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier)
    return { name: textOf(node.moduleSpecifier), kind: node.isTypeOnly ? 'type' : 'static' }
  if (ts.isImportTypeNode(node))
    return { name: textOf(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : node.argument), kind: 'type' }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return { name: textOf(node.arguments[0]), kind: 'dynamic' }
  return undefined
}

/** What a TypeScript file imports, in any form. */
export function importsOf(path: string, text: string): Import[] {
  return [...nodes(parse(path, text))].flatMap((node): Import[] => {
    const found = moduleOf(node)
    if (!found) return []
    const { name, kind } = found
    if (name.startsWith('.')) return [{ of: 'file', from: posix.join(posix.dirname(path), name), kind }]
    if (name.startsWith('node:')) return [{ of: 'node', from: name, kind }]
    return [{ of: 'package', from: name.split('/', name.startsWith('@') ? 2 : 1).join('/'), kind }]
  })
}

// Comments, strings, characters. A quote after a digit separates digits.
const cppNonCode = /\/\/.*|\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])*'/g

/** C++ text without what is in comments and strings. */
export const cppCode = (text: string): string => text.replace(cppNonCode, (part) => (part[0] === '/' ? ' ' : '""'))

/** What a C++ file includes itself; the project's own headers as paths from the repository's root. */
export function includesOf(path: string, sources: Sources): string[] {
  const text = (sources.get(path) ?? '').replace(/\/\*[\s\S]*?\*\//g, ' ')
  return [...text.matchAll(/^[ \t]*#[ \t]*include[ \t]*[<"]([^>"]+)[>"]/gm)].map(([, name]) => {
    const own = [posix.join('native', name!), posix.join(posix.dirname(path), name!)]
    return own.find((candidate) => sources.has(candidate)) ?? name!
  })
}

/** `start` and everything that `next` leads to from it, each with the way there. */
export function reach(start: string, next: (path: string) => string[]): Map<string, string[]> {
  const ways = new Map([[start, [start]]])
  for (const [path, way] of ways)
    for (const target of next(path)) if (!ways.has(target)) ways.set(target, [...way, target])
  return ways
}

/** The comment that a file starts with, after a shebang; empty where it starts with anything else. */
export function openingComment(path: string, text: string): string {
  const body = text.replace(/^#!.*\n/, '')
  const form = path.endsWith('.py') ? /^(?:"""([\s\S]*?)"""|#(.*))/ : /^(?:\/\*\*?([\s\S]*?)\*\/|\/\/(.*))/
  const [, block, line] = form.exec(body) ?? []
  return (block ?? line ?? '').trim()
}
