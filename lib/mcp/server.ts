/** The server for programs: the tools over the Model Context Protocol, as the official SDK speaks it. */
import type { Readable, Writable } from 'node:stream'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { CallToolRequestSchema, type CallToolResult, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { ShinsakuError, visible } from '../errors.ts'
import { version } from '../system/version.ts'
import { LiveRuns } from './runs.ts'
import { type Answer, callTool, inputSchemaOf, tools } from './tools.ts'

const textOf = (values: object) => ({ type: 'text', text: JSON.stringify(values) }) as const

/** Values as JSON has them: what JSON cannot say, such as undefined, is left out. */
const asJson = (values: object): Record<string, unknown> => JSON.parse(JSON.stringify(values))

function resultOf({ values, png }: Answer): CallToolResult {
  const picture = png && {
    type: 'image' as const,
    data: Buffer.from(png).toString('base64'),
    mimeType: 'image/png',
  }
  return { content: [textOf(values), ...(picture ? [picture] : [])], structuredContent: asJson(values) }
}

/** Errors with a code are answers; they name what to do. Others are failures of the server. */
function failureOf(thrown: unknown): CallToolResult {
  if (!(thrown instanceof ShinsakuError)) throw thrown
  const { code, message, hint = null, details } = thrown
  const values = { error: { code, message, hint, details } }
  return { isError: true, content: [textOf(values)], structuredContent: asJson(values) }
}

/** The server over `runs`, without a transport. */
export function makeMcpServer(runs: LiveRuns): Server {
  const server = new Server({ name: 'shinsaku', version }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.entries(tools).map(([name, tool]) => ({
      name,
      description: tool.description,
      inputSchema: inputSchemaOf(tool) as { type: 'object' },
      annotations: { readOnlyHint: tool.readOnly, destructiveHint: false, openWorldHint: false },
    })),
  }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal, sendNotification }) => {
    const { name, arguments: given = {}, _meta } = params
    const progressToken = _meta?.progressToken
    const onProgress = (progress: number, total: number, message: string) => {
      if (progressToken === undefined) return
      const notification = { progressToken, progress, total, message }
      // Whoever has gone away hears nothing.
      sendNotification({ method: 'notifications/progress', params: notification }).catch(() => {})
    }
    try {
      if (!Object.hasOwn(tools, name))
        throw new ShinsakuError('COMMAND_UNKNOWN', `There is no tool ${visible(name.slice(0, 100))}`, {
          hint: `There are ${Object.keys(tools).join(', ')}.`,
        })
      return resultOf(await callTool(tools[name]!, given, { runs, signal, onProgress }))
    } catch (error) {
      return failureOf(error)
    }
  })
  return server
}

export type McpStreams = { stdin: Readable; stdout: Writable }

/** Serves until `stdin` ends or `signal` fires; runs that it has started are saved and ended then. */
export async function serveMcp({ stdin, stdout }: McpStreams, signal: AbortSignal): Promise<void> {
  const runs = new LiveRuns()
  const server = makeMcpServer(runs)
  const over = new Promise<void>((resolve) => {
    stdin.once('end', resolve).once('close', resolve)
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  await server.connect(new StdioServerTransport(stdin, stdout))
  await over
  await runs.close()
  await server.close()
}
