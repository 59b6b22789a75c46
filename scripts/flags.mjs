// A script's command line: its flags are declared once, and reading, --help and refusals follow from that.
import { parseArgs } from 'node:util'

/** What was typed is wrong; the message is one line. */
export class UsageError extends Error {}

/**
 * A flag with `value` takes one, such as N; without, it is on or off.
 * @typedef {{ help: string, value?: string, default?: string, multiple?: boolean }} Flag
 * @typedef {{ command: string, about: string, flags?: Record<string, Flag>, words?: string }} Usage
 */

/**
 * What each flag holds once it is read.
 * @template {Record<string, Flag>} F
 * @typedef {{ [K in keyof F]: F[K] extends { multiple: boolean } ? string[] | undefined
 *   : F[K] extends { value: string } ? (F[K] extends { default: string } ? string : string | undefined)
 *   : boolean }} Values
 */

/**
 * The text of --help.
 * @param {Usage} usage
 */
export function helpOf({ command, about, flags = {}, words }) {
  const all = [...Object.entries(flags), /** @type {[string, Flag]} */ (['help', { help: 'this text' }])]
  const heads = all.map(
    ([name, { value, multiple }]) => `--${name}${value ? ` ${value}` : ''}${multiple ? ' ...' : ''}`,
  )
  const width = Math.max(...heads.map((head) => head.length)) + 2
  const lines = all.map(([, flag], i) => {
    const text = flag.default === undefined ? flag.help : `${flag.help} (default: ${flag.default})`
    return `  ${heads[i]?.padEnd(width)}${text}`
  })
  return `${command}${words ? ` ${words}` : ''}${lines.length > 1 ? ' [flags]' : ''}\n\n${about}\n\n${lines.join('\n')}`
}

/**
 * Reads arguments; throws a UsageError on what is not known. `words` in the usage allows arguments that are no flags.
 * @template {Record<string, Flag>} const F
 * @param {{ flags?: F, words?: string }} usage
 * @param {string[]} args
 * @returns {{ values: Values<F> & { help: boolean }, words: string[] }}
 */
export function parseFlags({ flags, words }, args) {
  const options = Object.fromEntries(
    Object.entries({ ...flags, help: /** @type {Flag} */ ({ help: '' }) }).map(([name, flag]) => [
      name,
      {
        type: /** @type {'string' | 'boolean'} */ (flag.value ? 'string' : 'boolean'),
        multiple: flag.multiple ?? false,
        ...(flag.value ? flag.default !== undefined && { default: flag.default } : { default: false }),
      },
    ]),
  )
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: words !== undefined })
    return { values: /** @type {Values<F> & { help: boolean }} */ (values), words: positionals }
  } catch (error) {
    // Node adds advice about arguments that begin with a dash.
    const [sentence] = /** @type {Error} */ (error).message.split(/\.? (?:To specify|This command)|\n/)
    throw new UsageError(sentence)
  }
}

/**
 * Says in one line what is wrong with the command line, and ends the process.
 * @param {string} message
 * @returns {never}
 */
export function refuse(message) {
  console.error(`${message}; see --help`)
  process.exit(2)
}

/**
 * The command line of this process: prints the usage and exits on --help, and refuses what it does not know.
 * @template {Record<string, Flag>} const F
 * @param {{ command: string, about: string, flags?: F, words?: string }} usage
 */
export function readFlags(usage, args = process.argv.slice(2)) {
  try {
    const read = parseFlags(usage, args)
    if (!read.values.help) return read
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    refuse(error.message)
  }
  console.log(helpOf(usage))
  process.exit(0)
}
