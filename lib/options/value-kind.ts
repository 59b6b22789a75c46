/** What an option takes and what it defaults to, in the kind that command lines, help and tables need. */
import { z } from 'zod'
import type { ModelDefinition } from '../models/model.ts'
import { type ModelName, models } from '../models/table.ts'
import { loadSpecs } from './common.ts'
import { distilSpecs } from './distil.ts'
import { fillSpecs, likeSpecs } from './edit.ts'
import { compareSpecs, evaluateSpecs } from './evaluate.ts'
import { exportSpecs } from './export.ts'
import { isLabelSet } from './labels.ts'
import { onnxSpecs } from './onnx.ts'
import type { OptionSpec, OptionSpecs } from './option-spec.ts'
import { publishSpecs } from './publish.ts'
import { resolveTrain } from './resolve.ts'
import { sampleSpecs } from './sample.ts'
import { serverSpecs, serveSpecs } from './serve.ts'
import { studySpecs } from './study.ts'
import { isTeacher } from './teacher.ts'
import { trainSpecs } from './train.ts'
import { walkSpecs } from './walk.ts'
import { watchSpecs } from './watch.ts'

/** Which kinds of values a schema takes; `list` is the kind of a list's entries. */
export type ValueKind = {
  readonly switch: boolean
  readonly number: boolean
  readonly text: boolean
  /** Whether null, for none, is a value. */
  readonly none: boolean
  readonly list: ValueKind | undefined
  readonly choices: readonly (string | number)[]
}

const all = Object.entries(models as Record<string, ModelDefinition>)

type JsonSchema = {
  type?: string
  anyOf?: JsonSchema[]
  items?: JsonSchema | false
  prefixItems?: JsonSchema[]
  const?: string | number
  enum?: (string | number)[]
}

function kindOfJson(schema: JsonSchema): ValueKind {
  const kinds = (schema.anyOf ?? []).map(kindOfJson)
  const choices = schema.enum ?? (schema.const === undefined ? [] : [schema.const])
  // A tuple's entries are of one kind here; its `items` is false.
  const entries = schema.prefixItems?.[0] ?? schema.items
  const isNumber = schema.type === 'number' || schema.type === 'integer'
  return {
    switch: schema.type === 'boolean' || kinds.some((kind) => kind.switch),
    number: isNumber || kinds.some((kind) => kind.number),
    // Choices are texts, too, but none that could be meant as a number.
    text: (schema.type === 'string' && choices.length === 0) || kinds.some((kind) => kind.text),
    none: schema.type === 'null' || kinds.some((kind) => kind.none),
    list: entries ? kindOfJson(entries) : kinds.find((kind) => kind.list)?.list,
    choices: [...choices, ...kinds.flatMap((kind) => kind.choices)],
  }
}

/** The values that an option takes on input. */
export const valueKindOf = (spec: OptionSpec): ValueKind =>
  kindOfJson(z.toJSONSchema(spec.schema, { io: 'input' }) as JsonSchema)

/** A value as it is written on the command line. */
export function flagText(value: unknown): string {
  if (value === null) return 'none'
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  if (isLabelSet(value)) return value.from
  if (isTeacher(value)) return value.run
  return Array.isArray(value) ? value.join(',') : String(value)
}

/** How a value is written where a default is shown. */
export type ShowValue = (value: unknown) => string

/** The default of one model's variants: the usual one, then those that differ: `1 (0.26: none)`. */
function variantsText(definition: ModelDefinition, name: string, spec: OptionSpec, show: ShowValue): string {
  // Kinds may share an option's name and not its default.
  const fallback = (definition.specs as Readonly<Record<string, OptionSpec>>)[name] ?? spec
  const textOf = (variant: string) => {
    const own = definition.defaults[variant]!
    return show(name in own ? own[name] : fallback.default)
  }
  const usual = textOf(definition.defaultVariant)
  const others = Object.keys(definition.defaults).filter((variant) => textOf(variant) !== usual)
  const list = others.map((variant) => `${variant}: ${textOf(variant)}`).join(', ')
  return others.length > 0 ? `${usual} (${list})` : usual
}

/** The default of an option of `train()`, per model and variant where they differ. */
export function trainDefaultText(name: string, spec: OptionSpec, show: ShowValue): string {
  const having = all.filter(([, { specs }]) => name in trainSpecs || name in specs)
  const texts = having.map(([model, definition]) => ({ model, text: variantsText(definition, name, spec, show) }))
  if (new Set(texts.map(({ text }) => text)).size === 1) return texts[0]!.text
  return texts.map(({ model, text }) => `${model} ${text}`).join('; ')
}

/** The default of an option of `model.sample()`, for a model with default options. */
export function sampleDefaultText(name: string, spec: OptionSpec, show: ShowValue): string {
  if (spec.default !== undefined) return show(spec.default)
  const texts = all.flatMap(([model, definition]) => {
    const value = definition.sampleDefaults(resolveTrain({ model: model as ModelName }), {})[name]
    return value === undefined ? [] : [show(value)]
  })
  return texts.join('; ')
}

/** Options that belong together, as help and tables show them. */
export type Group = {
  readonly model: ModelName | undefined
  /** What they are for, where that is not training or sampling every model or `model`. */
  readonly purpose?: string
  readonly specs: OptionSpecs
  defaultText(name: string, spec: OptionSpec, show: ShowValue): string
}

/** An option that several kinds of model have, each with values of its own, as one. */
function merged(specs: readonly OptionSpec[]): OptionSpec {
  const schemas = specs.map(({ schema }) => schema)
  return { ...specs[0]!, schema: z.union(schemas), help: [...new Set(specs.map(({ help }) => help))].join(' ') }
}

function groups(
  common: OptionSpecs,
  pick: (definition: ModelDefinition) => OptionSpecs,
  defaultText: Group['defaultText'],
): Group[] {
  const havingOf = (name: string) => all.flatMap(([, definition]) => pick(definition)[name] ?? [])
  const names = new Set(all.flatMap(([, definition]) => Object.keys(pick(definition))))
  const shared = [...names].filter((name) => havingOf(name).length > 1)
  const own = all.map(([model, definition]) => ({
    model: model as ModelName,
    specs: Object.fromEntries(Object.entries(pick(definition)).filter(([name]) => !shared.includes(name))),
    defaultText,
  }))
  const sharedSpecs = Object.fromEntries(shared.map((name) => [name, merged(havingOf(name))]))
  return [{ model: undefined, specs: { ...common, ...sharedSpecs }, defaultText }, ...own]
}

/** All options of `train()`: those of every model first. */
export const trainGroups = (): Group[] => groups(trainSpecs, ({ specs }) => specs, trainDefaultText)
/** All options of `model.sample()`: those of every model first. */
export const sampleGroups = (): Group[] =>
  groups(sampleSpecs, (definition) => definition.sampleSpecs, sampleDefaultText)

/** What a PyTorch file may leave open and sampling needs to know. */
const leftOpen = ['size', 'objective', 'schedule']

/** Options of `load()`: where to compute, and those for files of PyTorch programs. */
export function loadGroups(): Group[] {
  const own = trainGroups().flatMap(({ specs }) => Object.entries(specs).filter(([name]) => leftOpen.includes(name)))
  const purpose = 'a PyTorch file, where it does not say'
  return [
    { model: undefined, specs: loadSpecs, defaultText: trainDefaultText },
    { model: undefined, purpose, specs: Object.fromEntries(own), defaultText: trainDefaultText },
  ]
}

/** Options of `exportWeights()`. */
export const exportGroups = (): Group[] => [
  { model: undefined, purpose: 'the export', specs: exportSpecs, defaultText: sampleDefaultText },
]

/** Options of `exportOnnx()`. */
export const onnxGroups = (): Group[] => [
  { model: undefined, purpose: 'ONNX', specs: onnxSpecs, defaultText: sampleDefaultText },
]

/** Options of `publish()`. */
export const publishGroups = (): Group[] => [
  { model: undefined, purpose: 'the site', specs: publishSpecs, defaultText: sampleDefaultText },
]

/** Options of `model.walk()`: its own, and those of `model.sample()` that say nothing about seeds. */
export function walkGroups(): Group[] {
  const isLeft = ([name]: [string, unknown]) => !Object.hasOwn(walkSpecs, name) && !['seed', 'count'].includes(name)
  const sampling = sampleGroups().map((group) => ({
    ...group,
    specs: Object.fromEntries(Object.entries(group.specs).filter(isLeft)),
    ...(group.model === undefined && { purpose: 'sampling' }),
  }))
  return [{ model: undefined, purpose: 'the walk', specs: walkSpecs, defaultText: sampleDefaultText }, ...sampling]
}

/** Options of `evaluate()`: its own, and those of `model.sample()` that it does not have. */
export function evaluateGroups(): Group[] {
  const isLeft = ([name]: [string, unknown]) => !Object.hasOwn(evaluateSpecs, name) && name !== 'seeds'
  const sampling = sampleGroups().map((group) => ({
    ...group,
    specs: Object.fromEntries(Object.entries(group.specs).filter(isLeft)),
    ...(group.model === undefined && { purpose: 'sampling' }),
  }))
  return [
    { model: undefined, purpose: 'the evaluation', specs: evaluateSpecs, defaultText: sampleDefaultText },
    ...sampling,
  ]
}

const editGroups = (purpose: string, specs: OptionSpecs, without: readonly string[] = []): Group[] => [
  { model: undefined, purpose, specs, defaultText: sampleDefaultText },
  ...sampleGroups().map((group) => ({
    ...group,
    specs: Object.fromEntries(Object.entries(group.specs).filter(([name]) => !without.includes(name))),
    ...(group.model === undefined && { purpose: 'sampling' }),
  })),
]

/** Options of `model.like()`, with those of `model.sample()`. */
export const likeGroups = (): Group[] => editGroups('variations', likeSpecs)
/** Options of `model.fill()`, with those of `model.sample()`. */
export const fillGroups = (): Group[] => editGroups('filling', fillSpecs, ['sampler'])

/** Options of `distil()`. */
export const distilGroups = (): Group[] => [
  { model: undefined, purpose: 'distilling', specs: distilSpecs, defaultText: sampleDefaultText },
]

/** Options of `study()`. */
export const studyGroups = (): Group[] => [
  { model: undefined, purpose: 'the study', specs: studySpecs, defaultText: sampleDefaultText },
]

/** Options of `compare()`. */
export const compareGroups = (): Group[] => [
  { model: undefined, purpose: 'the comparison', specs: compareSpecs, defaultText: sampleDefaultText },
]

/** Options of `shinsaku watch`. */
export const watchGroups = (): Group[] => [
  { model: undefined, purpose: 'the page', specs: watchSpecs, defaultText: sampleDefaultText },
]

/** Options of `createHandler()`. */
export const serveGroups = (): Group[] => [
  { model: undefined, purpose: 'the models and their limits', specs: serveSpecs, defaultText: sampleDefaultText },
]

/** Options of `shinsaku serve` that the handler does not have. */
export const serverGroups = (): Group[] => [
  { model: undefined, purpose: 'the server', specs: serverSpecs, defaultText: sampleDefaultText },
]
