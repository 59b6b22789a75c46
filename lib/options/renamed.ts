/** What options and their values were in older versions: stored runs are read through these tables, callers are given the new names. */

const names: Readonly<Record<string, string>> = {
  allow: 'allowChanges',
  bn: 'batchNorm',
  broken: 'onUnreadable',
  clip: 'clipGradNorm',
  keep: 'keepCheckpoints',
  lanes: 'loaderWorkers',
  preset: 'variant',
  rollback: 'maxRollbacks',
  snapshotImages: 'checkpointImages',
  snapshotTime: 'checkpointTime',
  unet: 'variant',
}

const values: Readonly<Record<string, Readonly<Record<string, string>>>> = { variant: { '2022': '0.26' } }

/** Options that older versions stored for every model, and that only some have. */
const dropped: readonly (readonly [option: string, model: string])[] = [['previewSteps', 'dcgan']]

/** What versions did that did not have an option yet. */
const before: Readonly<Record<string, unknown>> = { holdout: 0 }

/** What an option of before is called; undefined for a name that no older version had. */
export const newNameOf = (name: string): string | undefined => (Object.hasOwn(names, name) ? names[name] : undefined)

/** What a value of before is called; undefined for one that no older version had. */
export function newValueOf(name: string, value: unknown): string | undefined {
  const table = Object.hasOwn(values, name) ? values[name]! : {}
  return typeof value === 'string' && Object.hasOwn(table, value) ? table[value] : undefined
}

/** Options as an older version stored them, under the names of this one. */
export function translateStored(stored: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const isKept = (name: string) => !dropped.some(([option, model]) => option === name && model === stored.model)
  const current = (name: string) => newNameOf(name) ?? name
  const translate = (name: string, value: unknown): unknown => {
    // The one option whose value names others.
    if (name !== 'allowChanges' || !Array.isArray(value)) return newValueOf(name, value) ?? value
    const names = value.filter(isKept).map(current)
    return names.length === 0 ? null : names
  }
  const kept = Object.entries(stored).filter(([name]) => isKept(name))
  return {
    ...before,
    ...Object.fromEntries(kept.map(([name, value]) => [current(name), translate(current(name), value)])),
  }
}
