/** The error table is whole: each code in it is thrown by the sources and by a test, and no other is thrown. */
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import { errorTable } from '../lib/errors.ts'
import { nodes, parse, readSources, type Sources, select } from './helpers/sources.ts'

const codes = Object.keys(errorTable)
const real = readSources()

const literals = (path: string, text: string): ts.StringLiteralLike[] =>
  [...nodes(parse(path, text))].filter((node) => ts.isStringLiteralLike(node))

/** The calls around a node, the nearest first, that it is an argument of. */
function callsAround(node: ts.Node): ts.Expression[] {
  const around: ts.Expression[] = []
  for (let inner = node; inner.parent && !ts.isFunctionLike(inner.parent); inner = inner.parent) {
    const { parent } = inner
    if (ts.isCallExpression(parent) && parent.expression !== inner) around.push(parent.expression)
  }
  return around
}

/** Whether this is a matcher of `expect(…)`, such as `expect(job).rejects.toMatchObject`, that is not turned round. */
function isMatcher(callee: ts.Node): boolean {
  if (!ts.isPropertyAccessExpression(callee) || callee.name.text === 'not') return false
  const { expression } = callee
  return ts.isCallExpression(expression) ? expression.expression.getText() === 'expect' : isMatcher(expression)
}

/** Whether this is `test.each` or `describe.each`: the rows are what the tests below them expect. */
const isTable = (callee: ts.Node): boolean => /^(test|it|describe)\.each$/.test(callee.getText())

/** The codes that tests expect: string literals in a matcher's arguments or in a table's rows. */
const expected = (sources: Sources): Set<string> =>
  new Set(
    select(sources, 'test/', '.test.ts').flatMap(([path, text]) =>
      path === 'test/errors.test.ts'
        ? []
        : literals(path, text)
            .filter((literal) => callsAround(literal).some((callee) => isMatcher(callee) || isTable(callee)))
            .map((literal) => literal.text),
    ),
  )

const isComparison = ({ parent }: ts.Node): boolean =>
  (ts.isBinaryExpression(parent) && /^[!=]==$/.test(parent.operatorToken.getText())) ||
  ts.isCaseClause(parent) ||
  ts.isArrayLiteralExpression(parent)

const nativeCode = /\bFailure\(\s*"([^"]+)"/g

/** The codes that C++ gives to a Failure. */
const inNative = (sources: Sources): string[] =>
  select(sources, 'native/', '.cc', '.h').flatMap(([, text]) => [...text.matchAll(nativeCode)].map(([, code]) => code!))

/** Strings of lib/ that are given to something, rather than compared with or listed. */
const inLib = (sources: Sources): string[] =>
  select(sources, 'lib/', '.ts').flatMap(([path, text]) =>
    literals(path, text).flatMap((literal) => (isComparison(literal) ? [] : [literal.text])),
  )

/** The codes that no source throws. */
const dead = (sources: Sources): string[] => {
  const thrown = new Set([...inLib(sources), ...inNative(sources)])
  return codes.filter((code) => !thrown.has(code))
}

/** The codes that are thrown but not in the table. */
const unknown = (sources: Sources): string[] => {
  const inLibErrors = select(sources, 'lib/', '.ts').flatMap(([path, text]) =>
    [...nodes(parse(path, text))].flatMap((node) =>
      ts.isNewExpression(node) && node.expression.getText() === 'ShinsakuError' && node.arguments?.[0]
        ? [...nodes(node.arguments[0])].filter((part) => ts.isStringLiteralLike(part) && !isComparison(part))
        : [],
    ),
  )
  const thrown = [...inLibErrors.map((literal) => (literal as ts.StringLiteralLike).text), ...inNative(sources)]
  return thrown.filter((code) => !codes.includes(code))
}

test('every code is expected by a test', () => {
  const found = expected(real)
  expect(codes.filter((code) => !found.has(code))).toEqual([])
})

test('every code is thrown somewhere', () => {
  expect(dead(real)).toEqual([])
})

test('no other code is thrown', () => {
  expect(unknown(real)).toEqual([])
})

describe('what the three tests above take for what', () => {
  const sources = (path: string, text: string): Sources => new Map([[path, text]])

  test.each([
    ["await expect(job).rejects.toMatchObject({ code: 'A' })", ['A']],
    ["expect(f).toThrow(expect.objectContaining({ code: 'A' }))", ['A']],
    ["expect(error.code).toBe('A')", ['A']],
    ["test.each([['x', 'A']])('%s', run)", ['x', 'A']],
    ["const error = new ShinsakuError('A', 'b')", []],
    ["expect(new ShinsakuError('A', 'b')).toBe(error)", []],
    ["expect(job).not.toMatchObject({ code: 'A' })", []],
    ["survive('A')", []],
  ])('expected: %s', (text, found) => {
    expect([...expected(sources('test/a.test.ts', text))]).toEqual(found)
  })

  test.each([
    ['lib/a.ts', "throw new ShinsakuError('DISPOSED', 'gone')", true],
    ['lib/a.ts', "return readJson(path, schema, 'DISPOSED')", true],
    ['lib/a.ts', "if (code === 'DISPOSED' || ['DISPOSED'].includes(code)) return", false],
    ['lib/a.ts', "// 'DISPOSED'", false],
    ['native/a.cc', 'throw Failure("DISPOSED", "gone");', true],
    ['native/a.cc', 'Text("DISPOSED")', false],
  ])('thrown: %s %s', (path, text, thrown) => {
    expect(!dead(sources(path, text)).includes('DISPOSED')).toBe(thrown)
  })

  test.each([
    ['lib/a.ts', "throw new ShinsakuError('DISPOSED', 'X_Y')", []],
    ['lib/a.ts', "throw new ShinsakuError(code === 'X_Y' ? 'DISPOSED' : 'DISPOSE', 'gone')", ['DISPOSE']],
    ['native/a.cc', 'throw Failure(\n    "DISPOSE", "gone");', ['DISPOSE']],
  ])('unknown: %s %s', (path, text, found) => {
    expect(unknown(sources(path, text))).toEqual(found)
  })
})
