/** Flags of the command line, made from option specs, and the values that their text stands for. */
import { type Command, type CommanderError, Option } from 'commander'
import { type Problem, throwIfAny } from '../errors.ts'
import { fromFlag, type OptionSpec, toFlag } from '../options/option-spec.ts'
import { newNameOf } from '../options/renamed.ts'
import { aboutUnknown, problemsIn } from '../options/resolve.ts'
import { flagText, type Group, type ValueKind, valueKindOf } from '../options/value-kind.ts'

/** What a text on the command line means; whether it is right is for the schemas to say. */
function textToValue(text: string, kind: ValueKind): unknown {
  if (kind.none && text === 'none') return null
  if (kind.list && !kind.text) return text.split(',').map((entry) => textToValue(entry.trim(), kind.list!))
  const number = text.trim() === '' ? Number.NaN : Number(text)
  return kind.number && !kind.text && !Number.isNaN(number) ? number : text
}

function placeholderOf({ placeholder }: OptionSpec, kind: ValueKind): string {
  if (placeholder) return placeholder
  if (kind.list) return 'A,B,...'
  if (kind.number) return 'N'
  return kind.choices.length > 0 ? 'NAME' : 'TEXT'
}

/** The help text, the choices it does not mention itself, and the default. */
function describeOption(spec: OptionSpec, kind: ValueKind, defaultText: string): string {
  const mentioned = kind.choices.every((choice) => spec.help.includes(String(choice)))
  const choices = mentioned ? '' : ` One of: ${kind.choices.join(', ')}.`
  return `${spec.help}${choices} (default: ${defaultText})`
}

function flagsOf(name: string, spec: OptionSpec, defaultText: string): Option[] {
  const kind = valueKindOf(spec)
  const help = describeOption(spec, kind, defaultText)
  const flag = toFlag(name)
  if (kind.switch && !kind.text) {
    const on = new Option(`--${flag}`, help)
    // Only help reads this; one line there stands for both flags.
    on.flags = `--[no-]${flag}`
    return [on, new Option(`--no-${flag}`).hideHelp()]
  }
  const placeholder = placeholderOf(spec, kind)
  const short = spec.short ? `-${spec.short}, ` : ''
  // A value that may be left out is one that may also be true.
  if (kind.switch) return [new Option(`${short}--${flag} [${placeholder}]`, help)]
  return [new Option(`${short}--${flag} <${placeholder}>`, help)]
}

/** What is said of a flag that a command does not have: its new name, ours, or the nearest. */
function unknownFlag(command: Command, given: string): Problem {
  const flag = given.replace(/=.*$/s, '')
  const name = fromFlag(flag.replace(/^-+(?:no-)?/, ''))
  const isArgument = command.registeredArguments.some((argument) => argument.name() === 'data')
  const known = command.options.map((option) => option.attributeName())
  const write = (ours: string) => (known.includes(ours) ? `--${toFlag(ours)}` : 'an argument, written without a flag')
  const renamed = newNameOf(name)
  if (renamed !== undefined && known.includes(renamed)) return { path: flag, message: `is named ${write(renamed)} now` }
  return { path: flag.slice(0, 100), message: aboutUnknown(name, isArgument ? [...known, 'data'] : known, write) }
}

/** Where commander met a flag that it does not know, throws with every one of them and with every wrong value beside them. */
function throwIfUnknown(command: Command, { code }: CommanderError, check: (flags: Flags) => readonly Problem[]): void {
  if (code !== 'commander.unknownOption') return
  const unknown = command.args.filter((argument) => /^--?[a-z]/i.test(argument))
  throwIfAny([...unknown.map((flag) => unknownFlag(command, flag)), ...check(command.opts())])
}

type Flags = Readonly<Record<string, unknown>>

/** What is wrong with the values of flags, each by itself. */
export const wrongValues = (groups: readonly Group[], flags: Flags): Problem[] =>
  groups.flatMap(({ specs }) => problemsIn(specs, valuesOf([{ specs }], flags)))

const valuesText = `
Lists are written 1,2,4, times 90s, 20m or 12h, and null is written none.`

/**
 * Adds a flag for each option, under headings that say which models have it. Names in `except` get none. Flags that
 * the command does not have are answered with what is meant, together with what `check` finds in the others.
 */
export function addFlags(
  command: Command,
  groups: readonly Group[],
  except: readonly string[] = [],
  check: (flags: Flags) => readonly Problem[] = (flags) => wrongValues(groups, flags),
): void {
  for (const { model, purpose, specs, defaultText } of groups) {
    const heading = `Options of ${purpose ?? (model === undefined ? 'every model' : `model "${model}"`)}:`
    for (const [name, spec] of Object.entries(specs)) {
      if (except.includes(name)) continue
      for (const option of flagsOf(name, spec, defaultText(name, spec, flagText)))
        command.addOption(option.helpGroup(heading))
    }
  }
  command.exitOverride((error) => {
    throwIfUnknown(command, error, check)
    throw error
  })
  const kinds = groups.flatMap(({ specs }) => Object.values(specs).map(valueKindOf))
  if (kinds.some(({ list, none }) => list || none)) command.addHelpText('after', valuesText)
}

/** The options among parsed flags, under the names and with the values that the API takes. */
export function valuesOf(
  groups: readonly Pick<Group, 'specs'>[],
  flags: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const specs = groups.flatMap(({ specs }) => Object.entries(specs)).filter(([name]) => flags[name] !== undefined)
  return Object.fromEntries(
    specs.map(([name, spec]) => {
      const given = flags[name]
      return [name, typeof given === 'string' ? textToValue(given, valueKindOf(spec)) : given]
    }),
  )
}
