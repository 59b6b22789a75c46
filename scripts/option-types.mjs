// The types of options with their docs, made from the option tables that are handed in: lib/options/given.ts.

const sentence = (text) => (text.endsWith('.') ? text : `${text}.`)
const apiText = (value) => (Array.isArray(value) ? `[${value.join(', ')}]` : JSON.stringify(value))

/** One interface, or an empty type, whose properties have the types of the table and what the table says of them. */
function interfaceOf(name, about, type, specs, defaultText) {
  const properties = Object.entries(specs).map(([option, spec]) => {
    const usual = defaultText(option, spec, apiText)
    const text = `${sentence(spec.help)}${usual === '' ? '' : ` Default: ${usual}.`}`.replaceAll('*/', '*\\/')
    return `  /** ${text} */\n  ${option}?: ${type}['${option}']\n`
  })
  if (properties.length === 0) return `/** ${about} */\nexport type ${name} = Record<never, never>\n`
  return `/** ${about} */\nexport interface ${name} {\n${properties.join('')}}\n`
}

const capital = (word) => word[0].toUpperCase() + word.slice(1)

/** The text of lib/options/given.ts. */
export function renderOptionTypes({
  models,
  trainSpecs,
  sampleSpecs,
  loadSpecs,
  exportSpecs,
  trainDefaultText,
  sampleDefaultText,
}) {
  const names = Object.keys(models)
  const own = names.flatMap((model) => [
    interfaceOf(
      `${capital(model)}TrainGiven`,
      `Options of \`train()\` that only model "${model}" has.`,
      `Given<(typeof models)['${model}']['specs']>`,
      models[model].specs,
      trainDefaultText,
    ),
    interfaceOf(
      `${capital(model)}SampleGiven`,
      `Options of \`model.sample()\` that only model "${model}" has.`,
      `Given<(typeof models)['${model}']['sampleSpecs']>`,
      models[model].sampleSpecs,
      sampleDefaultText,
    ),
  ])
  const common = [
    interfaceOf(
      'CommonTrainGiven',
      'Options of `train()` that every kind of model has.',
      'Given<typeof trainSpecs>',
      trainSpecs,
      trainDefaultText,
    ),
    interfaceOf(
      'CommonSampleGiven',
      'Options of `model.sample()` that every kind of model has.',
      'Given<typeof sampleSpecs>',
      sampleSpecs,
      sampleDefaultText,
    ),
    interfaceOf('LoadGiven', 'Options of `load()`.', 'Given<typeof loadSpecs>', loadSpecs, trainDefaultText),
    interfaceOf(
      'ExportOptions',
      'Options of `exportWeights()`.',
      'Given<typeof exportSpecs>',
      exportSpecs,
      sampleDefaultText,
    ),
  ]
  const map = (kind) => names.map((model) => `  ${model}: ${capital(model)}${kind}Given\n`).join('')
  return `/** Options as callers give them, with what each means. Generated from the tables by \`npm run docs\`; do not edit. */
import type { models } from '../models/table.ts'
import type { loadSpecs } from './common.ts'
import type { exportSpecs } from './export.ts'
import type { Given } from './option-spec.ts'
import type { sampleSpecs } from './sample.ts'
import type { trainSpecs } from './train.ts'

${[...common, ...own].join('\n')}
/** The options that only one kind of model has, by its name. */
export type TrainGiven = {
${map('Train')}}
export type SampleGiven = {
${map('Sample')}}
`
}
