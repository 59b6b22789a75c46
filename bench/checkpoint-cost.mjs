#!/usr/bin/env node
// What a checkpoint costs the training beside it: blocks of updates with and without one, in turn.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from '../scripts/bootstrap.mjs'
import { readFlags } from '../scripts/flags.mjs'
import { writeSection } from '../test/durability/report.mjs'
import { median } from './rows.mjs'

const { values } = readFlags({
  command: 'node bench/checkpoint-cost.mjs',
  about:
    'What a checkpoint costs the training beside it: blocks of updates with and without one, in turn. Needs a build.',
  flags: {
    json: { help: 'prints JSON' },
    record: { help: 'makes what was measured a section of docs/reliability.md' },
    pairs: { value: 'N', default: '5', help: 'pairs of blocks' },
    // The state, and with it the checkpoint, is the same at any size; small pictures only make updates short.
    size: { value: 'N', default: '32', help: 'pixels on a side' },
    batch: { value: 'N', default: '2', help: 'pictures in an update' },
    updates: { value: 'N', default: '10', help: 'updates in a block' },
    folder: { value: 'FOLDER', help: 'where checkpoints are written (usual: the temporary folder)' },
  },
})
const [pairs, updates] = [Number(values.pairs), Number(values.updates)]
const EVERY_SECONDS = 60

const { loadAddon } = await import('../dist/native/load.js')
const { placeOn, toSpec } = await import('../dist/backend/placement.js')
const { resolveTrain } = await import('../dist/options/resolve.js')
const { saveCheckpoint } = await import('../dist/checkpoint/save.js')
const { copyTensors } = await import('../dist/train/copy-tensors.js')

const options = resolveTrain({ size: Number(values.size), batch: Number(values.batch) })
const { size, channels } = options
const addon = await loadAddon()
const { threads } = await addon.info()
const spec = toSpec(options, placeOn('cpu', options, []))
const { parameters } = await addon.describe(spec)
const images = await addon.images(new Uint8Array(8 * size * size * channels), [8, size, size, channels], 'cpu')
const trainer = await addon.trainer(spec, images)
const folder = mkdtempSync(join(values.folder ?? tmpdir(), 'shinsaku-cost-'))

const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const state = { updates: 1, epoch: 0, elapsedSeconds: 1, pending: { count: 0, sums: {} } }
const origin = { options: '0'.repeat(64), pictures: null }
let saves = 0
let bytes = 0

async function save() {
  const started = performance.now()
  const { tensors, read } = await copyTensors(trainer, saves)
  const stall = (performance.now() - started) / 1000
  saves += 1
  const written = saveCheckpoint(folder, {
    state: { ...state, images: saves },
    origin,
    tensors,
    readTensor: read,
    keep: 1,
  })
  return { stall, written }
}

/** Trains a block, with a checkpoint written beside it or not; ends when both are done. @param {boolean} withSave */
async function block(withSave) {
  const [started, cpu] = [performance.now(), cpuSeconds()]
  const saving = withSave ? await save() : undefined
  for (let i = 0; i < updates; i++) await trainer.step(1)
  bytes = (await saving?.written)?.bytes ?? bytes
  return { wall: (performance.now() - started) / 1000, cpu: cpuSeconds() - cpu, stall: saving?.stall ?? 0 }
}

try {
  await block(true)
  const plain = []
  const saving = []
  for (let pair = 0; pair < pairs; pair++) {
    // The order changes, so that a machine that gets slower or faster favours neither.
    for (const withSave of pair % 2 === 0 ? [false, true] : [true, false])
      (withSave ? saving : plain).push(await block(withSave))
  }
  const added = (/** @type {'wall' | 'cpu'} */ field) =>
    median(saving.map((one, i) => one[field] - (plain[i]?.[field] ?? Number.NaN)))
  const result = {
    parameters,
    checkpointBytes: bytes,
    threads,
    pairs,
    plainSeconds: median(plain.map(({ wall }) => wall)),
    stallSeconds: median(saving.map(({ stall }) => stall)),
    addedWallSeconds: added('wall'),
    addedCpuSeconds: added('cpu'),
    /** Of the processor, at one checkpoint a minute. */
    cpuShare: added('cpu') / (EVERY_SECONDS * threads),
    wallShare: added('wall') / EVERY_SECONDS,
  }
  const percent = (/** @type {number} */ share) => `${(share * 100).toFixed(2)} %`
  const lines = [
    `${parameters} parameters, ${bytes} bytes a checkpoint, ${threads} threads, ${pairs} pairs of blocks`,
    `training stands still for ${result.stallSeconds.toFixed(2)} s while the state is copied`,
    `a checkpoint takes ${result.addedCpuSeconds.toFixed(2)} s of processor time; a block, ${result.addedWallSeconds.toFixed(2)} s longer`,
    `at one a minute: ${percent(result.cpuShare)} of the processor, ${percent(result.wallShare)} of the time`,
  ]
  console.log(values.json ? JSON.stringify(result) : lines.join('\n'))
  if (values.record) {
    const command = ['node bench/checkpoint-cost.mjs', ...process.argv.slice(2)].join(' ')
    writeSection(root, 'cost', { title: 'What a checkpoint costs the training beside it', command, lines })
  }
} finally {
  trainer.dispose()
  rmSync(folder, { recursive: true })
}
