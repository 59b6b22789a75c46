/** What to change after a failure that options can help: in words, with the values that they have now. */
import { freeSpaceHint, ShinsakuError } from '../errors.ts'
import { models } from '../models/table.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { isNativeMemory, setting } from '../sampling/advice.ts'

function memoryAdvice(options: ResolvedTrainOptions): string {
  const { batch, accumulate, size } = options
  const { widthOption: width } = models[options.model]
  const smaller = `lower size (${size} now) or ${width} (${options[width]} now)`
  const after = 'The process stays usable.'
  if (batch === 1) return `batch is 1 already: ${smaller}. ${after}`
  const half = Math.ceil(batch / 2)
  const halves = `${setting('batch', half)} and ${setting('accumulate', accumulate * 2)}`
  return `Try ${halves}: as many pictures an update in about half the memory. Or ${smaller}. ${after}`
}

/** One digit is all that a guess is worth. */
const roundly = (value: number) => Number(value.toPrecision(1))

function finiteAdvice({ lr, clipGradNorm, precision, warmup, batch, accumulate }: ResolvedTrainOptions): string {
  const parts = [`lower lr, ${lr} now: ${setting('lr', roundly(lr / 3))}`]
  if (clipGradNorm === null) parts.push(`limit the gradients: ${setting('clipGradNorm', 1)}`)
  if (precision === 'bf16' || precision === 'tf32') parts.push(`compute exactly: ${setting('precision', 'fp32')}`)
  if (warmup === 0) parts.push(`start slowly: ${setting('warmup', 500 * batch * accumulate)}`)
  return `One of these may help: ${parts.join('; ')}.`
}

/** A loss or a weight that is NaN: going back to the last checkpoint may help. */
export const isNotFinite = (error: unknown): error is ShinsakuError =>
  error instanceof ShinsakuError && (error.code === 'LOSS_NOT_FINITE' || error.code === 'WEIGHTS_NOT_FINITE')

const diskAdvice = (run: string): string =>
  `Free some space, then go on where the newest checkpoint ends: shinsaku train --resume ${run}`

/**
 * The error with advice for these options as its hint, where options can help, or for `run`, which was under way; any
 * other error as it is.
 */
export function withAdvice(error: unknown, options: ResolvedTrainOptions, run?: string): unknown {
  if (!(error instanceof ShinsakuError)) return error
  const { code, message, hint, details } = error
  if (code === 'DISK_FULL' && hint === freeSpaceHint && run !== undefined)
    return new ShinsakuError(code, message, { cause: error, hint: diskAdvice(run), details })
  if (isNotFinite(error))
    return new ShinsakuError(code, message, { cause: error, hint: finiteAdvice(options), details })
  if (!isNativeMemory(error)) return error
  return new ShinsakuError(code, message, { cause: error, hint: memoryAdvice(options), details })
}
