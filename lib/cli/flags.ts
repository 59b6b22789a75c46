/** Flags of the command line, made from option rows, and the values that their text stands for. */
import { type Command, Option } from 'commander'
import { type ValueKind, flagText, valueKindOf, type Group } from '../options/value-kind.ts'
import { type OptionSpec, toFlag } from '../options/option-spec.ts'

/** What a text on the command line means; whether it is right is for the schemas to say. */
function textToValue(text: string, form: ValueKind): unknown {
  if (form.none && text === 'none') return null
  if (form.list && !form.text) return text.split(',').map((entry) => textToValue(entry.trim(), form.list!))
  const number = text.trim() === '' ? Number.NaN : Number(text)
  return form.number && !form.text && !Number.isNaN(number) ? number : text
}

function placeholderOf({ placeholder }: OptionSpec, form: ValueKind): string {
  if (placeholder) return placeholder
  if (form.list) return 'A,B,...'
  if (form.number) return 'N'
  return form.choices.length > 0 ? 'NAME' : 'TEXT'
}

/** The help text, the choices it does not mention itself, and the default. */
function describeRow(row: OptionSpec, form: ValueKind, defaultText: string): string {
  const mentioned = form.choices.every((choice) => row.help.includes(String(choice)))
  const choices = mentioned ? '' : ` One of: ${form.choices.join(', ')}.`
  return `${row.help}${choices} (default: ${defaultText})`
}

function optionsOfRow(name: string, row: OptionSpec, defaultText: string): Option[] {
  const form = valueKindOf(row)
  const help = describeRow(row, form, defaultText)
  const flag = toFlag(name)
  if (form.switch && !form.text) {
    const on = new Option(`--${flag}`, help)
    // Only help reads this; one line there stands for both flags.
    on.flags = `--[no-]${flag}`
    return [on, new Option(`--no-${flag}`).hideHelp()]
  }
  const placeholder = placeholderOf(row, form)
  const short = row.short ? `-${row.short}, ` : ''
  // A value that may be left out is one that may also be true.
  if (form.switch) return [new Option(`${short}--${flag} [${placeholder}]`, help)]
  return [new Option(`${short}--${flag} <${placeholder}>`, help)]
}

const valuesText = `
Lists are written 1,2,4, times 90s, 20m or 12h, and null is written none.`

/** Adds a flag for each option, under headings that say which models have it. Names in `except` get none. */
export function addFlags(command: Command, groups: readonly Group[], except: readonly string[] = []): void {
  for (const { model, purpose, rows, defaultText } of groups) {
    const heading = `Options of ${purpose ?? (model === undefined ? 'every model' : `model "${model}"`)}:`
    for (const [name, row] of Object.entries(rows)) {
      if (except.includes(name)) continue
      for (const option of optionsOfRow(name, row, defaultText(name, row, flagText)))
        command.addOption(option.helpGroup(heading))
    }
  }
  const forms = groups.flatMap(({ rows }) => Object.values(rows).map(valueKindOf))
  if (forms.some(({ list, none }) => list || none)) command.addHelpText('after', valuesText)
}

/** The options among parsed flags, under the names and with the values that the API takes. */
export function valuesOf(
  groups: readonly Pick<Group, 'rows'>[],
  flags: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const rows = groups.flatMap(({ rows }) => Object.entries(rows)).filter(([name]) => flags[name] !== undefined)
  return Object.fromEntries(
    rows.map(([name, row]) => {
      const given = flags[name]
      return [name, typeof given === 'string' ? textToValue(given, valueKindOf(row)) : given]
    }),
  )
}
