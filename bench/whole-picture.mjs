// Whole pictures: how soon a process that loads a model has its first one, and how long the next takes. shinsaku samples
// with its few-step sampler and with the reference's DDIM of 50 steps, the reference with the latter.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { peer } from './commands.mjs'
import { row } from './rows.mjs'

/** @import { Case, CaseSettings } from './cases.mjs' */
/** @import { Machine } from './machine.mjs' */
/** @import { Venv } from '../test/exactness/venv.mjs' */

/** @typedef {{ first: number, next: number }} Times */

const DDIM = { sampler: 'ddim', steps: 50 }
const self = fileURLToPath(import.meta.url)

/**
 * A run of the network with its first weights, and the same network as the reference saves it.
 * @param {string} folder
 * @param {CaseSettings} settings
 * @param {Venv} venv
 */
async function prepare(folder, settings, venv) {
  const { train } = await import('../dist/index.js')
  const { variant = '2.3', dim, dimMults, size } = settings
  const model = await train({
    ...{ data: 'builtin:icons:4', model: /** @type {const} */ ('diffusion'), dim, dimMults, size, out: folder },
    variant: variant === '0.26' ? '0.26' : '2.3',
    ...{ batch: 1, accumulate: 1, maxImages: 1, previews: 0 },
  })
  model.dispose()
  const file = join(folder, 'reference.pt')
  execFileSync(venv.python, [peer, JSON.stringify({ ...settings, who: 'save', file })], {
    env: venv.env(variant),
    stdio: 'inherit',
  })
  return { run: model.run, file }
}

/**
 * @param {string} program
 * @param {string[]} args
 * @returns {Times}
 */
const times = (program, args, env = process.env) =>
  JSON.parse(execFileSync(program, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }))

/**
 * In a process of its own: milliseconds from load() to the first picture in a file, and those of one more picture.
 * @param {string} run
 * @param {object} options
 * @param {string} file
 * @param {number} threads
 */
async function sampleTwice(run, options, file, threads) {
  const { load } = await import('../dist/index.js')
  const begun = performance.now()
  const model = await load(run, { threads })
  const one = async () => (await model.sample({ weights: 'raw', ...options })).grid(file)
  await one()
  const first = performance.now() - begun
  const again = performance.now()
  await one()
  console.log(JSON.stringify({ first, next: performance.now() - again }))
  model.dispose()
}

/** @param {Case} one @param {Machine} machine */
export async function pictureRows(one, machine) {
  const { settings, who, rounds } = one
  const { venv } = machine
  if (!venv) throw new Error('whole pictures are compared on a CPU')
  const folder = mkdtempSync(join(tmpdir(), 'shinsaku-picture-'))
  const { run, file } = await prepare(folder, settings, venv)
  const own = (/** @type {object} */ options) => () =>
    times(process.execPath, [self, run, JSON.stringify(options), join(folder, 'own.png'), String(settings.threads)])
  const { OMP_WAIT_POLICY: _, ...env } = venv.env(settings.variant ?? '2.3')
  const sides = {
    ...(who.includes('shinsaku') && { shinsaku: own({ steps: settings.steps }), 'shinsaku-ddim50': own(DDIM) }),
    ...(who.includes('eager') && {
      eager: () => times(venv.python, [peer, JSON.stringify({ ...settings, ...DDIM, who: 'sample', file })], env),
    }),
  }
  /** @type {Record<string, Times[]>} */
  const found = Object.fromEntries(Object.keys(sides).map((side) => [side, []]))
  for (let round = 0; round < rounds; round++)
    for (const [side, measure] of Object.entries(sides)) found[side]?.push(measure())
  rmSync(folder, { recursive: true })
  const text = `${one.name()}: shinsaku ${settings.steps} steps, others DDIM-50`
  return /** @type {const} */ (['first', 'next']).flatMap((which) =>
    Object.entries(found).map(([side, all]) =>
      row(
        `${which === 'first' ? 'load to first' : 'next'} ${text}`,
        side,
        all.map((time) => time[which]),
      ),
    ),
  )
}

if (process.argv[1] === self) {
  const [run = '', options = '{}', file = '', threads] = process.argv.slice(2)
  await sampleTwice(run, JSON.parse(options), file, Number(threads))
}
