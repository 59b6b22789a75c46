/** What to change after sampling ran out of memory: in words, with the values that the options have now. */
import { ShinsakuError } from '../errors.ts'
import { toFlag } from '../options/option-spec.ts'

/** `batch: 8 (--batch 8)`: for the API and for the command line. */
export const setting = (name: string, value: string | number) => `${name}: ${value} (--${toFlag(name)} ${value})`

/** Only the native part's memory depends on these options; others know better what to do. */
export const isNativeMemory = (error: unknown): error is ShinsakuError =>
  error instanceof ShinsakuError && error.code === 'OUT_OF_MEMORY' && error.details.call !== undefined

/** Memory that ran out while `atOnce` pictures were computed, with what helps as its hint; any other error as it is. */
export function withSampleAdvice(error: unknown, { atOnce, batch }: { atOnce: number; batch: number }): unknown {
  if (!isNativeMemory(error)) return error
  const fewer =
    atOnce === batch
      ? `compute fewer at once: ${setting('batch', Math.ceil(batch / 2))}`
      : `sample fewer pictures in one call, which are computed together: count ${atOnce} now`
  const parts = [...(atOnce > 1 ? [fewer] : []), 'free memory that other programs or other models hold (dispose())']
  const { code, message, details } = error
  return new ShinsakuError(code, message, {
    cause: error,
    hint: `One of these helps: ${parts.join('; ')}. The process stays usable.`,
    details,
  })
}
