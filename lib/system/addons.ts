/** What to do where Node refuses to load native code. */

const REFUSED = 'ERR_DLOPEN_DISABLED'

/** Whether Node loads no native code at all: the addon, sharp and whatever else is one fail alike. */
const isRefused = (error: unknown): boolean =>
  error instanceof Error && ((error as NodeJS.ErrnoException).code === REFUSED || error.message.includes(REFUSED))

/** The hint for native code that does not load; `otherwise` where it was not Node that refused. */
export const addonHint = (error: unknown, otherwise: string): string =>
  isRefused(error)
    ? 'Node was told to load no native code. Start it without --no-addons, and with --permission add --allow-addons.'
    : otherwise
