/** What the command line says about an error, and with which code it ends. */
import { CommanderError } from 'commander'
import { type ErrorCode, ShinsakuError, visibleText } from '../errors.ts'
import { exitCodes, type Io } from './io.ts'

const usageCodes: readonly ErrorCode[] = ['OPTION_INVALID', 'COMMAND_UNKNOWN']

/** commander's own error in the form of this package's. */
function fromCommander({ code, message }: CommanderError): ShinsakuError {
  const [text = '', suggestion] = message.replace(/^error: /, '').split('\n')
  const hint = suggestion?.replace(/^\((.*)\)$/, '$1') ?? 'See shinsaku --help, or --help of the command.'
  return new ShinsakuError(code === 'commander.unknownCommand' ? 'COMMAND_UNKNOWN' : 'OPTION_INVALID', text, { hint })
}

/** Writes the error to stderr and returns the exit code. */
export function reportFailure(
  thrown: unknown,
  { stderr }: Io,
  { json, debug }: { json: boolean; debug: boolean },
): number {
  const error = thrown instanceof CommanderError ? fromCommander(thrown) : (thrown as Error)
  const { code, hint, details } =
    error instanceof ShinsakuError ? error : { code: undefined, hint: undefined, details: {} }
  if (json) {
    stderr.write(
      `${JSON.stringify({ error: { code: code ?? null, message: error.message, hint: hint ?? null, details } })}\n`,
    )
  } else {
    const paint = (text: string, colour: number) =>
      stderr.isTTY && stderr.hasColors?.() ? `\u001B[${colour}m${text}\u001B[39m` : text
    stderr.write(`${paint('error', 31)}${code ? ` [${code}]` : ''} ${visibleText(error.message)}\n`)
    if (hint) stderr.write(`${paint('hint', 36)} ${hint}\n`)
  }
  if (debug) {
    stderr.write(`${visibleText(String(error.stack))}\n`)
    if (error.cause) stderr.write(`cause: ${visibleText(String((error.cause as Error).stack ?? error.cause))}\n`)
  }
  return code && usageCodes.includes(code) ? exitCodes.usage : exitCodes.failed
}
