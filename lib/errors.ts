/** Every error this package throws: one class, one table of stable codes. */

/** Code → what it means and what to do. docs/errors.md is generated from it. */
export const errorTable = {
  ABORT_ERR: 'The given AbortSignal fired. A training run has saved a checkpoint first; resume it to go on.',
  ADDON_MISSING: 'The native addon is missing or does not load. Reinstall the package, or build it: npm run build.',
  ARCHIVE_INVALID:
    'A tar archive given as data is cut short, damaged, or not a plain tar archive. The message says which.',
  CACHE_MISSING:
    'There is no home folder, and no other place for the cache is named. Set SHINSAKU_CACHE to a folder, or set HOME.',
  CHECKPOINT_INVALID: 'A checkpoint is damaged or incomplete. Load an earlier one.',
  CHECKPOINT_MISMATCH:
    'The checkpoint belongs to a network of another shape or kind. Use the options it was made with.',
  CLIENT_LIMIT: 'A client of the server has as many pictures in the works as one may have. Wait for them.',
  COMMAND_UNKNOWN: 'shinsaku has no such command. See shinsaku --help.',
  COPIES_FOUND: 'More samples of the model are copies of training pictures than may be in one that is published.',
  COPIES_UNCHECKED: 'Nobody has looked whether samples of the model are copies. Run shinsaku evaluate first.',
  CUDA_UNAVAILABLE: 'device is "cuda" but no GPU can be used. The message says what is missing.',
  DATA_EMPTY: 'No usable picture was found in data.',
  DATA_NOT_FOUND: 'The folder or file given as data does not exist or cannot be read.',
  DATA_TOO_FEW:
    'There are fewer pictures than this model can train on, than this measure needs, or than holdout leaves.',
  DISTRIBUTED_INVALID:
    'The environment makes this process one of several, but its variables are set by half, wrong, or name an address that cannot be had. The message says which.',
  DISTRIBUTED_UNSUPPORTED: 'A model of this kind, or with these options, trains in one process only.',
  DISK_FULL: 'The disk is full. Free some space, then resume the run, or run the command again.',
  DISPOSED: 'The object was disposed before this call.',
  EXTRACTOR_FETCH_FAILED: 'The weights of an extractor could not be fetched. The message says why.',
  EXTRACTOR_INVALID: 'A file is not the weights of an extractor that metrics are made with, or is damaged.',
  EXTRACTOR_MISSING: 'The extractor that is asked for is not on this machine. Run shinsaku setup --metrics.',
  FILE_EXISTS: 'A file or folder of that name is there already, and is not what an earlier call has written.',
  FILE_FAILED: 'A file could not be read or written. The cause says why.',
  IMPORT_UNSUPPORTED:
    'The file holds no network that can be imported. The message says what was expected and what came.',
  IMAGE_UNREADABLE: 'A picture cannot be decoded and onUnreadable is "fail". Remove it, or set onUnreadable to "skip".',
  LABELS_INVALID:
    'The labels are damaged, do not fit the pictures, or tell none of them apart. The message says which.',
  LIBTORCH_CONFLICT: 'Another libtorch is loaded in this process already. Use the same one, or a child process.',
  LIBTORCH_FETCH_FAILED: 'libtorch could not be fetched with pip. The message ends with what pip said last.',
  LIBTORCH_MISSING: 'No usable libtorch was found. Run shinsaku setup, or set LIBTORCH to an unpacked one.',
  LIBTORCH_VERSION: 'The libtorch that was found is not of a version that the addon was built for.',
  LICENSES_INVALID: 'LICENSES.csv does not have the expected columns.',
  LOSS_NOT_FINITE: 'The loss became NaN or infinite. Lower lr, set clipGradNorm, or use precision "fp32".',
  MODEL_UNKNOWN: 'The server has no model of that name. GET /v1/models lists those it has.',
  NATIVE_FAILED: 'libtorch reported an error. The cause holds its text.',
  ONNX_UNSUPPORTED: 'This kind of model, or an operation of it, has no ONNX form in this version.',
  OPTION_INVALID: 'One or more options are unknown, of the wrong type or out of range, or do not go together.',
  OUT_OF_MEMORY: 'Memory ran out. Lower batch (and raise accumulate), size or dim. The process stays usable.',
  PICKLE_REFUSED: 'A PyTorch file names code that a file of tensors does not need. None of it was executed.',
  PLATFORM_UNSUPPORTED:
    'There is no native part for this machine. There is one for Linux with glibc: on x64, and on arm64, where it was not shown to train yet.',
  PROCESS_LOST:
    'Another process of the group died, stopped, or failed; the message names it. Nothing was saved since the newest checkpoint: start all of them again, with resume.',
  PROCESSES_DIFFER: 'The processes of a group have different options, pictures or devices. The message says which.',
  PYTORCH_INVALID: 'The file is not a PyTorch checkpoint, or is damaged.',
  PORT_TAKEN: 'Another program listens on that port already. Name another one, or 0 for any that is free.',
  QUEUE_NOT_FOUND: 'No run of the queue of this machine has that id. See shinsaku queue.',
  REQUEST_INVALID: 'The server does not take such a request. `param` says which field is wrong.',
  RESOURCE_SHORTAGE:
    'A file could not be read for want of something else than the file, such as open files or a disk that answers, and waiting did not help.',
  RESUME_MISMATCH: 'The options or the pictures differ from those the run was started with.',
  RIGHTS_UNKNOWN: 'There is no record of the right to publish what was trained on these pictures. See docs/onnx.md.',
  ROUTE_UNKNOWN: 'The server has no such address, or it takes another method.',
  RUN_INVALID: 'A file of the run folder is missing or cannot be read.',
  RUN_LOCKED: 'Another process is training in this run folder.',
  RUN_NOT_FOUND: 'The path is not a run folder with a checkpoint.',
  SAFETENSORS_INVALID: 'The file is not a well-formed safetensors file.',
  SERVER_BUSY:
    'The server takes no more pictures now, is not ready yet, or is about to end. Retry-After says when to ask again.',
  SHAPE_INVALID: 'A tensor has another shape than the network needs.',
  SHUT_DOWN: 'The native part has been shut down; no further calls are possible in this process.',
  STATISTICS_INVALID: 'The file holds no statistics of features as pytorch-fid stores them.',
  TOKEN_INVALID: 'The server needs a token, and the request has none or a wrong one: Authorization: Bearer TOKEN.',
  TOKEN_MISSING:
    'A server was to listen where others can reach it, and there is no token to keep them out. Set SHINSAKU_TOKEN.',
  TOOL_MISSING: 'A program that is needed is not installed. The message has the line that installs it.',
  TYPEFACE_INVALID: 'A typeface of "builtin:fonts" lacks a letter, or its package cannot be read. Take another one.',
  WEIGHTS_NOT_FINITE:
    'A weight became NaN or infinite. It is in no checkpoint. Lower lr, set clipGradNorm, or use precision "fp32".',
} as const

/** A stable error code; the table says what each one means. */
export type ErrorCode = keyof typeof errorTable

/** One wrong option: where, and what is wrong with it. */
export type Problem = { path: string; message: string }

type ErrorOptionsExtra = { cause?: unknown; hint?: string; details?: Record<string, unknown> }

/**
 * Control characters, and those that turn the direction of what follows: a terminal obeys them. And halves of
 * surrogates, which are no characters: bytes of a name that is not UTF-8 (files/path-bytes.ts).
 */
const UNSEEN = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/gu
const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`
  return short[character] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`)
}

const hex = (code: number, digits: number): string => code.toString(16).padStart(digits, '0')

/** A name from outside, such as a file's, as messages and logs show it: what a terminal would obey becomes visible. */
export const visible = (name: string): string => name.replace(UNSEEN, escaped)

/** A text of our own that names may be in: its line ends and tabs stay. */
export const visibleText = (text: string): string =>
  text.replace(UNSEEN, (c) => (c === '\n' || c === '\t' ? c : escaped(c)))

/** An error with a stable `code`, an optional `hint` (what to do) and `details` for programs. */
export class ShinsakuError extends Error {
  override name = 'ShinsakuError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Record<string, unknown>

  constructor(code: ErrorCode, message: string, { cause, hint, details = {} }: ErrorOptionsExtra = {}) {
    super(visibleText(message), cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint === undefined ? undefined : visibleText(hint)
    this.details = details
    if (code === 'ABORT_ERR') this.name = 'AbortError'
  }
}

/** The error an aborted call rejects with: name "AbortError", `cause` is the signal's reason. */
export function abortError(signal: AbortSignal, what: string): ShinsakuError {
  return new ShinsakuError('ABORT_ERR', `${what} was aborted`, { cause: signal.reason })
}

const MAX_SHOWN = 100

/** Text from outside as a message shows it: in quotes, without line ends, and not all of it where it is long. */
export const quoted = (text: string): string =>
  JSON.stringify(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}\u2026` : text)

/** Throws an OPTION_INVALID error that lists every problem, if there is one. */
export function throwIfAny(problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const lines = problems.map((p) => `  ${p.path}: ${p.message}`)
  const count = problems.length === 1 ? 'One option is' : `${problems.length} options are`
  throw new ShinsakuError('OPTION_INVALID', `${count} wrong:\n${lines.join('\n')}`, { details: { problems } })
}

/** What to do about a full disk where nobody knows better. */
export const freeSpaceHint = 'Free some space, then run the same command again.'

/** Wraps a failed file operation: DISK_FULL for ENOSPC and EDQUOT, FILE_FAILED otherwise. */
export function fileError(action: string, path: string, cause: unknown): ShinsakuError {
  if (cause instanceof ShinsakuError) return cause
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ShinsakuError('DISK_FULL', `No space left to ${action} ${visible(path)}`, {
      cause,
      hint: freeSpaceHint,
    })
  }
  return new ShinsakuError(
    'FILE_FAILED',
    `Could not ${action} ${visible(path)}: ${visible((cause as Error).message)}`,
    { cause },
  )
}
