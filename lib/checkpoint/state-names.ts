/**
 * What the names of a run's tensors mean. This is the one place on this side of the boundary that knows;
 * native/core/state_names.h is the other side's.
 */

/** Averaged or latest weights. */
export type Weights = 'ema' | 'raw'

const EMA = 'ema.'
/** Counters of the average itself, not weights. */
const emaCounters = new Set(['ema.step', 'ema.initted'])

/** Whether only a resumed run needs it: optimizer moments, generator states, the position in the data. */
export const isTrainingState = (name: string): boolean => /^(optimizer|random|progress)\./.test(name)

/** Whether it is a weight that samples are made with. */
export const isSamplingWeight = (name: string): boolean => !isTrainingState(name) && !name.startsWith('discriminator.')

/** Names that belong to one kind of weights, and what each is called without the prefix that tells the kinds apart. */
export function weightNames(names: readonly string[], weights: Weights): { stored: string; name: string }[] {
  if (weights === 'raw') return names.filter((name) => !name.startsWith(EMA)).map((name) => ({ stored: name, name }))
  return names
    .filter((name) => name.startsWith(EMA) && !emaCounters.has(name))
    .map((name) => ({ stored: name, name: name.slice(EMA.length) }))
}
