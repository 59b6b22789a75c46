/** The page's script: uPlot as its package has it, and our own modules, as one text that needs nothing else. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** Each only uses those before it. */
const modules = ['format', 'state', 'charts', 'grids', 'sections', 'queue', 'main']

const imports = /^import\s[^;]*?from '\.\/[\w-]+\.mjs';?\n/gm

/** Modules as one: what they import from each other they share. No name may be declared in two of them. */
export const joined = (texts: readonly string[]): string =>
  texts.map((text) => text.replace(imports, '').replace(/^export (?=const|let|function|class|async)/gm, '')).join('\n')

const ofPackage = (file: string): Promise<string> =>
  readFile(fileURLToPath(import.meta.resolve(`uplot/dist/${file}`)), 'utf8')

const ofPage = (module: string): Promise<string> => readFile(new URL(`./client/${module}.mjs`, import.meta.url), 'utf8')

export async function pageScript(): Promise<string> {
  const [chart, ...own] = await Promise.all([ofPackage('uPlot.iife.min.js'), ...modules.map(ofPage)])
  return `${chart}\n${joined(own)}`
}

export const chartStyle = (): Promise<string> => ofPackage('uPlot.min.css')
