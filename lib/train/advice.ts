/** What to change after a failure that options can help: in words, with the values that they have now. */
import { ShinsakuError } from '../errors.ts'
import type { ResolvedTrainOptions } from '../options/resolve.ts'
import { toFlag } from '../options/option-spec.ts'

/** `batch: 8 (--batch 8)`: for the API and for the command line. */
const setting = (name: string, value: string | number) => `${name}: ${value} (--${toFlag(name)} ${value})`

/** Options of the networks' width; each kind of model has one of them. */
const widths = ['dim', 'width'] as const

function memoryAdvice(options: ResolvedTrainOptions): string {
  const { batch, accumulate, size } = options
  const width = widths.find((name) => options[name] !== undefined)
  const smaller = `lower size (${size} now)${width ? ` or ${width} (${options[width]} now)` : ''}`
  const after = 'The process stays usable.'
  if (batch === 1) return `batch is 1 already: ${smaller}. ${after}`
  const half = Math.ceil(batch / 2)
  const halves = `${setting('batch', half)} and ${setting('accumulate', accumulate * 2)}`
  return `Try ${halves}: as many pictures an update in about half the memory. Or ${smaller}. ${after}`
}

/** One digit is all that a guess is worth. */
const roundly = (value: number) => Number(value.toPrecision(1))

function finiteAdvice({ lr, clip, precision, warmup, batch, accumulate }: ResolvedTrainOptions): string {
  const parts = [`lower lr, ${lr} now: ${setting('lr', roundly(lr / 3))}`]
  if (clip === null) parts.push(`limit the gradients: ${setting('clip', 1)}`)
  if (precision === 'bf16' || precision === 'tf32') parts.push(`compute exactly: ${setting('precision', 'fp32')}`)
  if (warmup === 0) parts.push(`start slowly: ${setting('warmup', 500 * batch * accumulate)}`)
  return `One of these may help: ${parts.join('; ')}.`
}

/** A loss or a weight that is no number: going back to the last checkpoint may help. */
export const isNotFinite = (error: unknown): error is ShinsakuError =>
  error instanceof ShinsakuError && (error.code === 'LOSS_NOT_FINITE' || error.code === 'WEIGHTS_NOT_FINITE')

/** Only the native part's memory depends on these options; others know better what to do. */
const isNativeMemory = (error: unknown): error is ShinsakuError =>
  error instanceof ShinsakuError && error.code === 'OUT_OF_MEMORY' && error.details.call !== undefined

/** Memory that ran out while pictures were drawn, with what helps as its hint; any other error as it is. */
export function withSampleAdvice(error: unknown, { batch, count }: { batch: number; count: number }): unknown {
  if (!isNativeMemory(error)) return error
  const parts = [
    ...(batch > 1 ? [`compute fewer at once: ${setting('batch', Math.ceil(batch / 2))}`] : []),
    ...(count > 1 ? [`draw fewer pictures in one call: count ${count} now`] : []),
    'free memory that other programs or other models hold (dispose())',
  ]
  const { code, message, details } = error
  return new ShinsakuError(code, message, {
    cause: error,
    hint: `One of these helps: ${parts.join('; ')}. The process stays usable.`,
    details,
  })
}

/** The error with advice for these options as its hint, where options can help; any other error as it is. */
export function withAdvice(error: unknown, options: ResolvedTrainOptions): unknown {
  if (!(error instanceof ShinsakuError)) return error
  const { code, message, details } = error
  if (isNotFinite(error))
    return new ShinsakuError(code, message, { cause: error, hint: finiteAdvice(options), details })
  if (!isNativeMemory(error)) return error
  return new ShinsakuError(code, message, { cause: error, hint: memoryAdvice(options), details })
}
