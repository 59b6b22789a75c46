/** `shinsaku describe` and `--dry-run`: what a run would be, or what a run is, as a table or as JSON. */
import { existsSync } from 'node:fs'
import { extname, join } from 'node:path'
import { nameOf } from '../backend/trial.ts'
import { type Reason, reasons } from '../data/findings.ts'
import { describeLabels } from '../data/labels/describe.ts'
import { ShinsakuError, visible, visibleText } from '../errors.ts'
import type { Model, Phase, RunDescription } from '../index.ts'
import { models } from '../models/table.ts'
import type { ParameterCount } from '../native/parameters.ts'
import { formatTime } from '../options/format-time.ts'
import { isLabelSet } from '../options/labels.ts'
import { isTeacher } from '../options/teacher.ts'
import type { AnyTrainOptions, TrainOptions } from '../options/types.ts'
import { flagText } from '../options/value-kind.ts'
import { readDatasetRecord } from '../run/dataset-record.ts'
import { lastMetrics } from '../run/list.ts'
import { configFile } from '../run/names.ts'
import { formatBytes, formatCount, formatPath, PhaseLine, table } from './format.ts'
import type { Io } from './io.ts'
import { layerLines, networkLines } from './network-text.ts'
import { Progress } from './progress.ts'

const originText = { given: 'given', stated: 'stated by the source', chosen: 'our choice' } as const

function optionLines(options: object, origins: RunDescription['origins'] = null): string[] {
  const rows = Object.entries(options).map(([name, value]) => {
    const cells = [name, flagText(value)]
    return origins === null ? cells : [...cells, originText[origins[name]!]]
  })
  return ['options', ...table(rows, '  ')]
}

const parametersText = (parameters: ParameterCount): string =>
  typeof parameters === 'number'
    ? formatCount(parameters)
    : Object.entries(parameters)
        .map(([network, own]) => `${formatCount(own)} ${network}`)
        .join(', ')

function timeText(time: RunDescription['time'], maxImages: number): string {
  if (time === null) return 'not measured: the network does not fit in memory'
  const { seconds, imagesPerSecond, updates } = time
  const measured = `${imagesPerSecond.toPrecision(3)} images/s, measured over ${updates} ${updates === 1 ? 'update' : 'updates'}`
  return `about ${formatTime(seconds)} for ${formatCount(Math.min(maxImages, Math.round(seconds * imagesPerSecond)))} images: ${measured}`
}

const countLine = (reason: Reason, count: number): string =>
  `${formatCount(count)} ${reasons[reason].title} (${reasons[reason].note})`

const labelRows = (labels: unknown): [string, string][] =>
  isLabelSet(labels) ? describeLabels(labels).map((line, index) => [index === 0 ? 'labels' : '', line]) : []

function planLines({
  options,
  origins,
  data,
  layers,
  parameters,
  memory,
  disk,
  device,
  precision,
  ops,
  graph,
  samplingOps,
  time,
  choice,
  report,
}: RunDescription): string[] {
  const also = [
    ...(data.heldOut > 0 ? [`${formatCount(data.heldOut)} held out`] : []),
    ...(data.skipped > 0 ? [`${formatCount(data.skipped)} skipped`] : []),
  ]
  const { programBytes, stateBytes, activationBytes, snapshotBytes, picturesBytes, totalBytes } = memory
  return [
    ...optionLines(options, origins),
    ...layerLines(layers),
    ...table([
      ['pictures', [`${formatCount(data.count)} to train on`, ...also].join(', ')],
      ...Object.entries(data.counts).map(([reason, count]) => ['', countLine(reason as Reason, count)]),
      ...labelRows(options.labels),
      [
        'computes',
        `on ${device} in ${precision}; operations: ${nameOf({ ops, graph })} to train, ${samplingOps} to sample`,
      ],
      ['parameters', parametersText(parameters)],
      [
        'memory',
        `about ${formatBytes(totalBytes)}: ${formatBytes(programBytes)} the program; ${formatBytes(stateBytes)} weights, gradients, optimizer and average; ${formatBytes(activationBytes)} an update at its peak; ${formatBytes(snapshotBytes)} the copy for a checkpoint; ${formatBytes(picturesBytes)} pictures`,
      ],
      [
        'disk',
        `about ${formatBytes(disk.keptBytes)}: ${options.keepCheckpoints} checkpoints of ${formatBytes(disk.checkpointBytes)}`,
      ],
      ['time', timeText(time, options.maxImages)],
    ]),
    ...choice,
    ...(time?.advice ? [time.advice] : []),
    ...data.warnings.map((warning) => `warning: ${warning}`),
    ...(report ? [`report: ${report.sheet}, with names in ${report.text}`] : []),
  ]
}

/** What a run has learned from; null where its dataset.json cannot be read, as in an imported run. */
const picturesOf = (run: string): Promise<number | null> =>
  readDatasetRecord(join(run, 'dataset.json')).then(
    ({ count }) => count,
    () => null,
  )

async function describeModel(model: Model, { json, layers: networks }: Form): Promise<string[]> {
  const { layers, parameters, device, samplingOps, weightsSha256 } = await model.describe()
  const { images, options } = model
  if (networks && !json) return networkLines(options, layers)
  const run = formatPath(model.run)
  const last = await lastMetrics(run, models[options.model].mainLoss)
  const loss = last?.loss ?? null
  const elapsedSeconds = last?.elapsedSeconds ?? null
  const pictures = await picturesOf(run)
  if (json)
    return [
      JSON.stringify({
        run,
        images,
        loss,
        elapsedSeconds,
        pictures,
        options,
        layers,
        parameters,
        device,
        samplingOps,
        weightsSha256,
      }),
    ]
  const data = Array.isArray(options.data) ? `${formatCount(options.data.length)} named files` : String(options.data)
  return [
    ...table([
      ['run', visible(run)],
      ['loss', loss === null ? 'not on record' : `${loss.toPrecision(3)} after ${formatCount(last!.images)} images`],
      ['duration', elapsedSeconds === null ? 'not on record' : formatTime(elapsedSeconds)],
      ['images', `${formatCount(images)} of ${formatCount(options.maxImages)}, at the newest checkpoint`],
      ['data', pictures === null ? visible(data) : `${formatCount(pictures)} pictures, ${visible(data)}`],
      ...(options.distilSteps != null && isTeacher(options.teacher)
        ? [['steps', `${options.distilSteps}, always: distilled from ${visible(formatPath(options.teacher.run))}`]]
        : []),
      ['parameters', parametersText(parameters)],
      ['samples', `on ${device} with ${samplingOps} operations`],
      ['weights', `SHA-256 ${weightsSha256}`],
    ]),
    ...optionLines(options),
    ...layerLines(layers),
  ]
}

/** How it is shown: as JSON, or the networks alone. */
type Form = { readonly json: boolean; readonly layers: boolean }

/** The options, data, layers, memory and disk of a run that was not started. */
export async function describePlan(
  options: AnyTrainOptions,
  report: string | undefined,
  { json, layers }: Form,
  { stdout, stderr }: Io,
): Promise<void> {
  const { describe } = await import('../index.ts')
  const progress = new Progress(stderr)
  const phaseLine = new PhaseLine()
  const onPhase = (phase: Phase) => {
    phaseLine.update(phase)
    progress.update(() => phaseLine.text())
  }
  const plan = await describe({
    ...(options as TrainOptions),
    ...(report !== undefined && { report }),
    onPhase,
  }).finally(() => progress.clear())
  const lines = layers ? networkLines(plan.options, plan.layers) : planLines(plan)
  stdout.write(`${json ? JSON.stringify(plan) : visibleText(lines.join('\n'))}\n`)
}

/** Files of weights, which `load()` takes as it takes runs. */
const weightExtensions = ['.pth', '.pt', '.ckpt', '.bin', '.safetensors']

/** The run folder, or the file of weights, that the arguments name; undefined where they name pictures. Throws DATA_NOT_FOUND where they name nothing. */
export function runAmong(data: readonly string[]): string | undefined {
  const [path = ''] = data
  if (data.length !== 1 || path.startsWith('builtin:')) return undefined
  if (!existsSync(path))
    throw new ShinsakuError('DATA_NOT_FOUND', `There is no ${path}: neither a run folder nor pictures`, {
      hint: 'Give a run folder such as runs/00000-diffusion-128-icons, a folder of pictures, or "builtin:icons".',
    })
  return existsSync(configFile(path)) || weightExtensions.includes(extname(path).toLowerCase()) ? path : undefined
}

/** The options, layers and progress of a run on disk, or of a file of weights. */
export async function describeRun(run: string, form: Form, { stdout }: Io): Promise<void> {
  const { load } = await import('../index.ts')
  const model = await load(run)
  try {
    stdout.write(`${(await describeModel(model, form)).join('\n')}\n`)
  } finally {
    model.dispose()
  }
}
