/** Turns what a caller gave into complete, checked, frozen options, or lists everything that is wrong. */
import { type Problem, throwIfAny } from '../errors.ts'
import type { ModelDefinition } from '../models/model.ts'
import { definitionOf, type ModelName, models } from '../models/table.ts'
import { type AskedLabels, findAsked } from './asked-labels.ts'
import { type CommonOptions, loadSpecs } from './common.ts'
import { exportSpecs } from './export.ts'
import { foreignName } from './foreign.ts'
import { isLabelSet } from './labels.ts'
import { nearest } from './nearest.ts'
import type { Given, OptionSpec, OptionSpecs, Resolved } from './option-spec.ts'
import { isPublished, type RecipeName, recipeDefaults } from './recipes.ts'
import { newNameOf, newValueOf } from './renamed.ts'
import { type CommonSampleOptions, sampleSpecs } from './sample.ts'
import { trainSpecs } from './train.ts'
import type {
  AnyTrainOptions,
  ExportOptions,
  ResolvedSampleOptions,
  ResolvedTrainOptions,
  SampleOptions,
} from './types.ts'

const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

const orElse = (value: unknown, fallback: unknown) => (value === undefined ? fallback : value)

function checkOption(name: string, spec: OptionSpec, value: unknown, problems: Problem[]): unknown {
  const parsed = spec.schema.safeParse(value)
  if (parsed.success) return parsed.data
  const renamed = newValueOf(name, value)
  const advice = renamed === undefined ? '' : `, which is named ${show(renamed)} now`
  for (const issue of parsed.error.issues) {
    problems.push({
      path: [name, ...issue.path].join('.'),
      message: `${issue.message}, but got ${show(value)}${advice}`,
    })
  }
  return undefined
}

/** What is said of a name that is no option; `write` gives one of ours as the caller would. */
export function aboutUnknown(name: string, known: readonly string[], write: (ours: string) => string): string {
  const foreign = foreignName(name, known)
  if (foreign) return `is not an option; here it is ${write(foreign.ours)}${foreign.how ? `, ${foreign.how}` : ''}`
  const near = nearest(name, known)
  return `is not an option${near ? `; did you mean ${write(near)}?` : ''}`
}

function unknownName(name: string, known: readonly string[], other: Readonly<Record<string, string>>): Problem {
  if (Object.hasOwn(other, name)) return { path: name, message: other[name]! }
  const renamed = newNameOf(name)
  if (renamed !== undefined) return { path: name, message: `is named "${renamed}" now` }
  return { path: name.slice(0, 100), message: aboutUnknown(name, known, (ours) => `"${ours}"`) }
}

/** One problem for each name that is no option. A name that is given as undefined is not given. */
function unknownNames(
  given: Readonly<Record<string, unknown>>,
  specs: OptionSpecs,
  other: Readonly<Record<string, string>>,
): Problem[] {
  const unknown = Object.keys(given).filter((name) => given[name] !== undefined && !Object.hasOwn(specs, name))
  return unknown.map((name) => unknownName(name, Object.keys(specs), other))
}

/** What is wrong with values that are given, each by itself. */
export function problemsIn(specs: OptionSpecs, given: Readonly<Record<string, unknown>>): Problem[] {
  const problems: Problem[] = []
  for (const [name, spec] of Object.entries(specs))
    if (given[name] !== undefined) checkOption(name, spec, given[name], problems)
  return problems
}

/** A variant of another kind of model says whose it is. */
function othersVariant(value: unknown, model: ModelName): Problem[] {
  const owner = Object.entries(models).find(
    ([name, { defaults }]) => name !== model && typeof value === 'string' && Object.hasOwn(defaults, value),
  )
  if (!owner) return []
  return [{ path: 'variant', message: `${show(value)} is a variant of model "${owner[0]}", but model is "${model}"` }]
}

/** Checks `given` against specs, filling defaults from `defaults` first, then from each spec. */
function resolveSpecs(
  specs: OptionSpecs,
  given: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
  problems: Problem[],
) {
  const resolved: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(specs)) {
    const fallback = name in defaults ? defaults[name] : spec.default
    resolved[name] = checkOption(name, spec, orElse(given[name], fallback), problems)
  }
  return resolved
}

/** Specs of `train()` for one kind of model. */
export const specsOf = (model: ModelName): OptionSpecs => ({ ...trainSpecs, ...models[model].specs })
/** Specs of `model.sample()` for one kind of model. */
export const sampleSpecsOf = (model: ModelName): OptionSpecs => ({ ...sampleSpecs, ...models[model].sampleSpecs })

function othersOptions(model: ModelName, pick: (m: ModelDefinition) => OptionSpecs): Record<string, string> {
  const own = pick(models[model])
  const owners = new Map<string, string[]>()
  for (const [name, definition] of Object.entries(models as Record<string, ModelDefinition>))
    for (const key of Object.keys(pick(definition)))
      if (!(key in own)) owners.set(key, [...(owners.get(key) ?? []), `"${name}"`])
  return Object.fromEntries(
    [...owners].map(([key, names]) => [
      key,
      `applies to ${names.length === 1 ? 'model' : 'models'} ${names.join(' and ')} only, but model is "${model}"`,
    ]),
  )
}

function asObject(given: unknown, what: string): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Record<string, unknown>
  throwIfAny([{ path: what, message: `expected an object of options, but got ${show(given)}` }])
  return {}
}

/** A run that follows a source has its length and its schedule from there. */
function timeProblems({ time, recipe, exact }: Readonly<Record<string, unknown>>): Problem[] {
  if (time === null || time === undefined) return []
  const other =
    recipe !== null && isPublished(recipe as RecipeName) ? `recipe "${recipe}"` : exact === true ? 'exact' : undefined
  if (other === undefined) return []
  return [{ path: 'time', message: `chooses size, network and schedule, which ${other} fixes; use maxTime to stop it` }]
}

/** Complete options of a training run. Throws OPTION_INVALID with every problem in it. */
export function resolveTrain(given: AnyTrainOptions): ResolvedTrainOptions {
  const input = asObject(given, 'options')
  const problems: Problem[] = []
  const recipe = checkOption('recipe', trainSpecs.recipe, orElse(input.recipe, null), problems) as RecipeName | null
  throwIfAny(problems)
  const set = recipe === null ? {} : recipeDefaults(recipe)
  const usual = set.model ?? trainSpecs.model.default
  const name = checkOption('model', trainSpecs.model, orElse(input.model, usual), problems) as ModelName | undefined
  throwIfAny(problems)
  if (recipe !== null && name !== set.model)
    throwIfAny([
      {
        path: 'recipe',
        message: `"${recipe}" is for model "${set.model}", but model is "${name}"; leave one of them out`,
      },
    ])
  const definition = definitionOf(name!)
  throwIfAny(othersVariant(input.variant, name!))
  const variant = checkOption(
    'variant',
    definition.specs.variant,
    orElse(input.variant, set.variant ?? definition.defaultVariant),
    problems,
  ) as string | undefined
  throwIfAny(problems)
  const specs = specsOf(name!)
  const others = othersOptions(name!, (m) => m.specs)
  problems.push(...unknownNames(input, specs, others))
  // Nothing that exact is compared with holds anything out, or looks for copies.
  const asked = input.exact === true ? { holdout: 0, guard: false } : {}
  // A run that is bound in time chooses its network: what is given must go with the smallest one.
  const layout = input.time == null ? {} : definition.timed.networks[0]
  const defaults = { ...definition.defaults[variant!]!, ...asked, ...layout, ...set }
  const resolved = resolveSpecs(specs, input, defaults, problems)
  for (const key of (resolved.allowChanges as string[] | null | undefined) ?? []) {
    const { message } = unknownName(key, Object.keys(specs), others)
    if (!(key in specs)) problems.push({ path: 'allowChanges', message: `${show(key)} ${message}` })
  }
  problems.push(...timeProblems(resolved))
  if (resolved.stopOnCopies === true && resolved.guard === false)
    problems.push({ path: 'stopOnCopies', message: 'needs guard, which is off: set guard to true' })
  if (problems.length === 0) problems.push(...definition.check(resolved as CommonOptions))
  if (resolved.labels != null && definition.learnsLabels === undefined)
    problems.push({ path: 'labels', message: `model "${name}" learns no labels; leave them out` })
  throwIfAny(problems)
  return Object.freeze(resolved) as unknown as ResolvedTrainOptions
}

/** Complete options of a call whose specs are the same for every model. Throws OPTION_INVALID with every problem in it. */
export function resolveOnly<T extends OptionSpecs>(specs: T, given: Given<T>, problems: Problem[] = []): Resolved<T> {
  const input = asObject(given, 'options')
  problems.push(...unknownNames(input, specs, {}))
  const resolved = resolveSpecs(specs, input, {}, problems)
  throwIfAny(problems)
  return resolved as Resolved<T>
}

/** Complete options of `load()`. Throws OPTION_INVALID with every problem in it. */
export const resolveLoad = (given: Given<typeof loadSpecs>): Resolved<typeof loadSpecs> => resolveOnly(loadSpecs, given)

/** Complete options of `exportWeights()`. Throws OPTION_INVALID with every problem in it and in `problems`. */
export const resolveExport = (given: ExportOptions, problems: Problem[]): Resolved<typeof exportSpecs> =>
  resolveOnly(exportSpecs, given, problems)

/** What is wrong with the labels that are asked for. */
function labelProblems(asked: AskedLabels, labels: ResolvedTrainOptions['labels']): Problem[] {
  const problems: Problem[] = []
  if (isLabelSet(labels)) findAsked(labels, asked, problems)
  else
    for (const path of ['label', 'attributes', 'prompt'] as const)
      if (asked[path] != null)
        problems.push({
          path,
          message:
            'needs a model that learned with labels; this one knows no words (train with labels, docs/labels.md)',
        })
  return problems
}

/** Throws OPTION_INVALID for a model that makes no pictures; `what` is asked of it. */
export function requireGenerator({ model }: Pick<ResolvedTrainOptions, 'model'>, what: string): void {
  if (!definitionOf(model).classifies) return
  const message = `${what} needs a model that makes pictures, but one of kind "${model}" only says what is on them: use classify`
  throwIfAny([{ path: 'model', message }])
}

/** Complete sampling options for a model trained with `train`. Throws OPTION_INVALID with every problem in it. */
export function resolveSample(given: SampleOptions, train: ResolvedTrainOptions): ResolvedSampleOptions {
  requireGenerator(train, 'sampling')
  const input = asObject(given, 'options')
  const problems: Problem[] = []
  const definition = definitionOf(train.model)
  const specs = sampleSpecsOf(train.model)
  const others = othersOptions(train.model, (m) => m.sampleSpecs)
  problems.push(...unknownNames(input, specs, others))
  if (input.seeds != null && input.seed !== undefined)
    problems.push({ path: 'seed', message: 'give either seed or seeds, not both' })
  if (Array.isArray(input.seeds) && input.count !== undefined && input.count !== input.seeds.length) {
    problems.push({ path: 'count', message: `is ${show(input.count)}, but seeds has ${input.seeds.length} entries` })
  }
  const resolved = resolveSpecs(specs, input, definition.sampleDefaults(train, input), problems)
  if (problems.length === 0) problems.push(...labelProblems(resolved as AskedLabels, train.labels))
  if (problems.length === 0) problems.push(...definition.checkSample(resolved as CommonSampleOptions, train))
  throwIfAny(problems)
  const { count, seed } = resolved as { count: number; seed: number }
  const seeds = (resolved.seeds as number[] | null) ?? Array.from({ length: count }, (_, i) => seed + i)
  return Object.freeze({ ...resolved, count: seeds.length, seeds }) as unknown as ResolvedSampleOptions
}
