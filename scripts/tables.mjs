// The generated tables of docs/, made from the option specs, the commands and the error table that are handed in.

const escapeCell = (text) => text.replaceAll('|', '\\|')

function markdown(header, specs) {
  const line = (cells) => `| ${cells.map(escapeCell).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...specs.map(line)].join('\n')
}

/** A value as it is written in a program; words without their quotes. */
const apiText = (value) => (Array.isArray(value) ? `[${value.join(', ')}]` : String(value))

const sentence = (text) => (text.endsWith('.') ? text : `${text}.`)

/** Choices that the help text does not name by itself. */
function choicesText(spec, valueKindOf) {
  const { choices } = valueKindOf(spec)
  if (choices.every((choice) => spec.help.includes(String(choice)))) return ''
  return ` One of ${choices.map((choice) => `\`${choice}\``).join(', ')}.`
}

function optionsTable(groups, valueKindOf) {
  return groups
    .filter(({ specs }) => Object.keys(specs).length > 0)
    .map(({ model, specs, defaultText }) => {
      const lines = Object.entries(specs).map(([name, spec]) => [
        `\`${name}\``,
        defaultText(name, spec, apiText),
        sentence(spec.help) + choicesText(spec, valueKindOf),
      ])
      return `**${model === undefined ? 'Every model' : `\`model: '${model}'\``}**\n\n${markdown(['option', 'default', 'meaning'], lines)}`
    })
    .join('\n\n')
}

/** The options that each of these functions has of its own. */
function ownTables(groups, valueKindOf) {
  return Object.entries(groups)
    .map(([name, group]) => {
      const table = optionsTable([{ ...group, model: undefined }], valueKindOf)
      return table.replace('**Every model**', `**\`${name}\`**`)
    })
    .join('\n\n')
}

/** What each recipe follows, and which options its source states. */
function recipesTable(recipes) {
  const listText = (options) => (options.length > 8 ? `${options.length} of them` : options.join(', '))
  const specs = Object.entries(recipes).map(([name, { help, stated }]) => [
    `\`${name}\``,
    sentence(help),
    listText(Object.keys(stated).map((option) => `\`${option}\``)),
  ])
  return markdown(['recipe', 'follows', 'options that the source states'], specs)
}

/** Marker name → the text between `<!-- name:begin -->` and `<!-- name:end -->`. */
export function makeTables({
  errorTable,
  valueKindOf,
  trainGroups,
  sampleGroups,
  evaluateGroups,
  compareGroups,
  explanations,
  serveGroups,
  serverGroups,
  generationSpecs,
  commandHelp,
  recipes,
}) {
  return {
    recipes: recipesTable(recipes),
    options: optionsTable(trainGroups(), valueKindOf),
    'evaluate-options': ownTables({ 'evaluate()': evaluateGroups()[0], 'compare()': compareGroups()[0] }, valueKindOf),
    metrics: markdown(
      ['number', 'key', 'how to read it'],
      Object.entries(explanations).map(([name, { title, text }]) => [`**${title}**`, `\`${name}\``, text]),
    ),
    'sample-options': optionsTable(sampleGroups(), valueKindOf),
    'serve-options': ownTables(
      { 'createHandler()': serveGroups()[0], 'shinsaku serve only': serverGroups()[0] },
      valueKindOf,
    ),
    'generation-fields': markdown(
      ['field', 'default', 'meaning'],
      Object.entries(generationSpecs).map(([name, spec]) => [
        `\`${name}\``,
        spec.default === undefined ? '' : apiText(spec.default),
        sentence(spec.help),
      ]),
    ),
    errors: markdown(
      ['code', 'meaning'],
      Object.entries(errorTable).map(([code, meaning]) => [`\`${code}\``, meaning]),
    ),
    commands: `\`\`\`text\n${commandHelp().trim()}\n\`\`\``,
  }
}

/** Page → the tables that it holds. */
export const tablesOf = {
  'docs/cli.md': ['commands'],
  'docs/errors.md': ['errors'],
  'docs/evaluate.md': ['metrics', 'evaluate-options'],
  'docs/options.md': ['options', 'sample-options'],
  'docs/serving.md': ['generation-fields', 'serve-options'],
  'docs/training.md': ['recipes'],
}

/** `text` with the tables put between their markers. Throws where a marker is missing. */
export function fillTables(text, tables) {
  return Object.entries(tables).reduce((filled, [name, table]) => {
    const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
    const [from, to] = [filled.indexOf(begin), filled.indexOf(end)]
    if (from < 0 || to < from) throw new Error(`the page lacks ${begin} ... ${end}`)
    return `${filled.slice(0, from + begin.length)}\n${table}\n${filled.slice(to)}`
  }, text)
}
