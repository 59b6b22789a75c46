/** `shinsaku evaluate` and `shinsaku compare`: how good pictures are and how new, as a table or as JSON. */
import { explanations, formatValue } from '../evaluate/explain.ts'
import type { CompareOptions, EvaluateOptions, EvaluationProgress, Judgement, Measured, MetricName } from '../index.ts'
import { compareGroups, evaluateGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { formatCount, shellQuote, table } from './format.ts'
import { exitCodes, type Io } from './io.ts'
import { STOPPING, withStop } from './with-stop.ts'

type Values = Record<string, unknown>

function valueText(name: MetricName, measured: Measured): string {
  if (measured === null) return '-'
  if (typeof measured === 'number') return formatValue(name, measured)
  const { value, low, high } = measured
  return `${formatValue(name, value)}  (${formatValue(name, low)} to ${formatValue(name, high)})`
}

/** Where a distance has a floor, or one to held-out pictures, it is told beside it. */
function besideText(name: MetricName, { floor, versusHeldOut }: Judgement): string {
  const parts: string[] = []
  if (floor && name in floor) {
    const measured = floor[name as 'fid' | 'kid' | 'mind' | 'swd']
    if (measured !== null)
      parts.push(`floor ${formatValue(name, typeof measured === 'number' ? measured : measured.value)}`)
  }
  if (versusHeldOut && name in versusHeldOut) {
    const measured = versusHeldOut[name as keyof typeof versusHeldOut]
    if (measured !== null)
      parts.push(`to held-out ${formatValue(name, typeof measured === 'number' ? measured : measured.value)}`)
  }
  return parts.join(', ')
}

function judgementLines(judgement: Judgement): string[] {
  const { basis, n, reasons, verdict } = judgement
  const { reference, heldOut, extractor, samples, statistics } = basis
  const names = Object.keys(explanations) as MetricName[]
  const rows = names.map((name) => [
    explanations[name].title,
    valueText(name, judgement[name]),
    judgement[name] === null ? (reasons[name] ?? '') : besideText(name, judgement),
  ])
  return [
    `${formatCount(n)} pictures of ${samples.size} pixels (${samples.format}) against ${formatCount(reference.count)} ${reference.name}${heldOut ? `, ${formatCount(heldOut.count)} held out` : ''}; extractor: ${extractor?.name ?? 'none'}${statistics === undefined ? '' : `; FID against ${statistics}`}`,
    ...(basis.paired
      ? [
          `  Compared one by one, chosen at random: ${formatCount(basis.paired.samples)} and ${formatCount(basis.paired.reference)} of them; FID is of all`,
        ]
      : []),
    ...table(rows, '  '),
    `  Variety: ${(100 * basis.spread).toFixed(0)} % of that of the reference`,
    `Verdict: ${verdict.word}`,
    ...verdict.because.map((line) => `  ${line}`),
  ]
}

const progressText = ({ phase, done, total }: EvaluationProgress): string =>
  total > 1 ? `${phase} ${formatCount(done)}/${formatCount(total)}` : phase

const STOPPED = 'Stopped. What was sampled is kept: the same command goes on from there.\n'

/** Runs `work` until it ends or is stopped; resolves with the exit code. */
const evaluating = (
  io: Io,
  work: (signal: AbortSignal, onProgress: (progress: EvaluationProgress) => void) => Promise<void>,
): Promise<number> =>
  withStop(
    io,
    STOPPING,
    async ({ signal, progress }) => {
      await work(signal, (at) => progress.update(progressText(at)))
      return exitCodes.done
    },
    (code) => {
      io.stderr.write(STOPPED)
      return code
    },
  )

export function evaluateCommand(run: string, flags: Values, json: boolean, io: Io): Promise<number> {
  return evaluating(io, async (signal, onProgress) => {
    const { evaluate } = await import('../index.ts')
    const options = valuesOf(evaluateGroups(), flags) as EvaluateOptions
    const evaluation = await evaluate(run, { ...options, signal, onProgress })
    const { report, note } = evaluation
    if (note !== undefined) io.stderr.write(`${note}\n`)
    if (json) io.stdout.write(`${JSON.stringify(evaluation)}\n`)
    else io.stdout.write(`${judgementLines(evaluation).join('\n')}\n${report.html}\n`)
    io.stderr.write(`Open the report in a browser: ${shellQuote(report.html)}\n`)
  })
}

export function compareCommand(a: string, b: string, flags: Values, json: boolean, io: Io): Promise<number> {
  return evaluating(io, async (signal, onProgress) => {
    const { compare } = await import('../index.ts')
    const options = valuesOf(compareGroups(), flags) as CompareOptions
    const comparison = await compare(a, b, { ...options, signal, onProgress })
    if (json) io.stdout.write(`${JSON.stringify(comparison)}\n`)
    else io.stdout.write(`${judgementLines(comparison).join('\n')}\n`)
    for (const warning of comparison.warnings) io.stderr.write(`Warning: ${warning}\n`)
  })
}
