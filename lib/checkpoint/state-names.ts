/**
 * What the names of a run's tensors mean. This is the one place on this side of the boundary that knows;
 * native/core/state_names.h is the other side's.
 */

/** Averaged or latest weights. */
export type Weights = 'ema' | 'raw'

const EMA = 'ema.'

/** The average's own counters, which are no weights: updates so far, and whether it holds weights yet. */
export const emaStep = `${EMA}step`
export const emaInitted = `${EMA}initted`
const emaCounters = new Set([emaStep, emaInitted])

/** The averaged form of a weight. */
export const averaged = (name: string): string => EMA + name
export const isAveraged = (name: string): boolean => name.startsWith(EMA)

/** A weight of the model that a run learns from. */
export const taught = (name: string): string => `teacher.${name}`

/** Whether it is a weight of a network, rather than one of the tables that its schedule makes of options. */
export const isNetworkWeight = (name: string): boolean => name.startsWith('model.')

/** Adam's counter and moments, of a network that has one optimizer. */
export const adamStep = 'optimizer.step'
export const adamMoment = (kind: 'exp_avg' | 'exp_avg_sq', name: string): string => `optimizer.${kind}.${name}`

const groups = ['optimizer', 'random', 'progress', 'teacher', 'trajectory', 'discriminator', 'ema'] as const
/**
 * Adam, the random streams, the place in the pictures, the model that a run learns from and the pictures it is making, the
 * network that is not sampled with, the averages; or weights.
 */
export type StateGroup = (typeof groups)[number] | 'weights'

export const groupOf = (name: string): StateGroup => groups.find((group) => name.startsWith(`${group}.`)) ?? 'weights'

/**
 * Whether only a resumed run needs it: optimizer moments, generator states, the position in the data, a teacher, and the
 * weight by which a network is told how training pictures were changed.
 */
export const isTrainingState = (name: string): boolean =>
  /^(optimizer|random|progress|teacher|trajectory)\./.test(name) || /(^|\.)augment_mlp\./.test(name)

/** Whether it belongs to a weight by which a network is told of labels: the weight, its average, or Adam's of it. */
export const isLabelState = (name: string): boolean => /(^|\.)(label_emb|classes_emb)\./.test(name)

/** Whether it is a weight that samples are made with. */
export const isSamplingWeight = (name: string): boolean => !isTrainingState(name) && groupOf(name) !== 'discriminator'

/** Names that belong to one kind of weights, and what each is called without the prefix that tells the kinds apart. */
export function weightNames(names: readonly string[], weights: Weights): { stored: string; name: string }[] {
  if (weights === 'raw') return names.filter((name) => !isAveraged(name)).map((name) => ({ stored: name, name }))
  return names
    .filter((name) => isAveraged(name) && !emaCounters.has(name))
    .map((name) => ({ stored: name, name: name.slice(EMA.length) }))
}
