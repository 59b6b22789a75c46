/** What `createHandler()` takes beside the models: the table of options, and what only a program can give. */
import type { ServeOptions } from '../options/serve.ts'

export type HandlerOptions = ServeOptions & {
  /** The token that requests must bear; none where it is absent. */
  token?: string | undefined
  /** Who a request comes from, in any text; by default the address that the server tells. */
  clientOf?: ((request: Request, context: unknown) => string) | undefined
  /** Hears of what goes wrong here and is answered with 500. */
  onError?: ((error: unknown) => void) | undefined
}
