/** What an option takes and what it defaults to, in the form that command lines, help and tables need. */
import { z } from 'zod'
import type { ModelDefinition } from '../models/model.ts'
import { type ModelName, models } from '../models/table.ts'
import { exportSpecs } from './export.ts'
import { resolveTrain } from './resolve.ts'
import type { OptionSpec, OptionSpecs } from './option-spec.ts'
import { sampleSpecs } from './sample.ts'
import { loadSpecs, trainSpecs } from './train.ts'

/** Which kinds of values a schema takes; `list` is the form of a list's entries. */
export type ValueKind = {
  readonly switch: boolean
  readonly number: boolean
  readonly text: boolean
  /** Whether null, for none, is a value. */
  readonly none: boolean
  readonly list: ValueKind | undefined
  readonly choices: readonly (string | number)[]
}

type JsonSchema = {
  type?: string
  anyOf?: JsonSchema[]
  items?: JsonSchema | false
  prefixItems?: JsonSchema[]
  const?: string | number
  enum?: (string | number)[]
}

function formOfJson(schema: JsonSchema): ValueKind {
  const forms = (schema.anyOf ?? []).map(formOfJson)
  const choices = schema.enum ?? (schema.const === undefined ? [] : [schema.const])
  // A tuple's entries are of one kind here; its `items` is false.
  const entries = schema.prefixItems?.[0] ?? schema.items
  const isNumber = schema.type === 'number' || schema.type === 'integer'
  return {
    switch: schema.type === 'boolean' || forms.some((form) => form.switch),
    number: isNumber || forms.some((form) => form.number),
    text: schema.type === 'string' || forms.some((form) => form.text),
    none: schema.type === 'null' || forms.some((form) => form.none),
    list: entries ? formOfJson(entries) : forms.find((form) => form.list)?.list,
    choices: [...choices, ...forms.flatMap((form) => form.choices)],
  }
}

/** The values that an option takes on input. */
export const valueKindOf = (row: OptionSpec): ValueKind => formOfJson(z.toJSONSchema(row.schema, { io: 'input' }) as JsonSchema)

/** A value as it is written on the command line. */
export function flagText(value: unknown): string {
  if (value === null) return 'none'
  if (typeof value === 'boolean') return value ? 'on' : 'off'
  return Array.isArray(value) ? value.join(',') : String(value)
}

/** How a value is written where a default is shown. */
export type ShowValue = (value: unknown) => string

/** The default of one model's variants: the usual one, then those that differ: `1 (2022: none)`. */
function variantsText(definition: ModelDefinition, name: string, row: OptionSpec, show: ShowValue): string {
  const textOf = (variant: string) => {
    const own = definition.defaults[variant]!
    return show(name in own ? own[name] : row.default)
  }
  const usual = textOf(definition.defaultVariant)
  const others = Object.keys(definition.defaults).filter((variant) => textOf(variant) !== usual)
  const list = others.map((variant) => `${variant}: ${textOf(variant)}`).join(', ')
  return others.length > 0 ? `${usual} (${list})` : usual
}

/** The default of an option of `train()`, per model and variant where they differ. */
export function trainDefaultText(name: string, row: OptionSpec, show: ShowValue): string {
  const all = Object.entries(models as Record<string, ModelDefinition>)
  const having = all.filter(([, { rows }]) => name in trainSpecs || name in rows)
  const texts = having.map(([model, definition]) => ({ model, text: variantsText(definition, name, row, show) }))
  if (new Set(texts.map(({ text }) => text)).size === 1) return texts[0]!.text
  return texts.map(({ model, text }) => `${model} ${text}`).join('; ')
}

/** The default of an option of `model.sample()`, for a model with default options. */
export function sampleDefaultText(name: string, row: OptionSpec, show: ShowValue): string {
  if (row.default !== undefined) return show(row.default)
  const texts = Object.entries(models as Record<string, ModelDefinition>).flatMap(([model, definition]) => {
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
  readonly rows: OptionSpecs
  defaultText(name: string, row: OptionSpec, show: ShowValue): string
}

function groups(common: OptionSpecs, pick: (definition: ModelDefinition) => OptionSpecs, defaultText: Group['defaultText']): Group[] {
  const own = Object.entries(models as Record<string, ModelDefinition>).map(([model, definition]) => ({
    model: model as ModelName,
    rows: pick(definition),
    defaultText,
  }))
  return [{ model: undefined, rows: common, defaultText }, ...own]
}

/** All options of `train()`: those of every model first. */
export const trainGroups = (): Group[] => groups(trainSpecs, ({ rows }) => rows, trainDefaultText)
/** All options of `model.sample()`: those of every model first. */
export const sampleGroups = (): Group[] => groups(sampleSpecs, (definition) => definition.sampleSpecs, sampleDefaultText)

/** What a PyTorch file may leave open and drawing needs to know. */
const leftOpen = ['size', 'objective', 'schedule']

/** Options of `load()`: where to compute, and those for files of PyTorch programs. */
export function loadGroups(): Group[] {
  const own = trainGroups().flatMap(({ rows }) => Object.entries(rows).filter(([name]) => leftOpen.includes(name)))
  const purpose = 'a PyTorch file, where it does not say'
  return [
    { model: undefined, rows: loadSpecs, defaultText: trainDefaultText },
    { model: undefined, purpose, rows: Object.fromEntries(own), defaultText: trainDefaultText },
  ]
}

/** Options of `exportWeights()`. */
export const exportGroups = (): Group[] => [
  { model: undefined, purpose: 'the export', rows: exportSpecs, defaultText: sampleDefaultText },
]
