/** `shinsaku mcp`: serves tools to a program on stdin and stdout, until it goes away or is stopped. */
import { exitCodes, type Io, onStopSignals } from './io.ts'

/** stdout carries the protocol and nothing else. Resolves with the exit code. */
export async function mcpCommand(io: Io): Promise<number> {
  const { serveMcp } = await import('../mcp/server.ts')
  const abort = new AbortController()
  const undo = onStopSignals(io, () => abort.abort())
  try {
    await serveMcp({ stdin: process.stdin, stdout: process.stdout }, abort.signal)
    return exitCodes.done
  } finally {
    undo()
  }
}
