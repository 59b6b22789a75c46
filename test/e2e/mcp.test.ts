/** `shinsaku mcp` as a program starts it: a run from its beginning to samples, and nothing on stdout but the protocol. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { expect, test } from 'vitest'
import { cliProgram } from '../helpers/cli-process.ts'
import { checkpointsOf, drawPictures, ENDLESS, ownCache, sharedFolder } from '../helpers/runs.ts'

const folder = sharedFolder()

test('train, status, stop, sample; wrong input is an answer; a client that goes away ends its runs saved', async () => {
  const data = await drawPictures(join(folder, 'data'), 6)
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [cliProgram, 'mcp'],
    cwd: folder,
    env: { ...(process.env as Record<string, string>), ...ownCache(folder), SHINSAKU_DEVICE: 'cpu' },
  })
  const strange: Error[] = []
  const client = new Client({ name: 'test', version: '1' })
  client.onerror = (error) => strange.push(error)
  await client.connect(transport)
  // biome-ignore lint/suspicious/noExplicitAny: what is in an answer is what the test asks
  const call = async (name: string, given: object): Promise<any> =>
    client.callTool({ name, arguments: { ...given } }, undefined, { timeout: 600_000 })
  const tiny = {
    data,
    out: join(folder, 'runs'),
    size: 16,
    dim: 8,
    dimMults: [1, 2],
    timesteps: 20,
    batch: 4,
    threads: 1,
  }
  const wrong = await call('train', { ...tiny, sise: 1 })
  expect([wrong.isError, wrong.structuredContent.error.code]).toEqual([true, 'OPTION_INVALID'])
  const started = await call('train', { ...tiny, previews: 0, maxImages: ENDLESS })
  const { run } = started.structuredContent
  expect(started).toMatchObject({ structuredContent: { run: expect.stringContaining('diffusion') } })
  expect((await call('status', { run })).structuredContent).toMatchObject({
    run,
    training: true,
    status: { images: expect.any(Number) },
  })
  expect((await call('stop', { run })).structuredContent).toMatchObject({ run, training: false })
  const grid = join(folder, 'grid.png')
  const sampled = await call('sample', { run, grid, count: 2, steps: 2, threads: 1 })
  expect(sampled.content[1]).toMatchObject({ type: 'image', mimeType: 'image/png' })
  expect(sampled.structuredContent.grid).toBe(grid)
  expect(existsSync(grid)).toBe(true)
  const second = (await call('train', { ...tiny, previews: 0, maxImages: ENDLESS, seed: 1 })).structuredContent.run
  const { pid } = transport
  await client.close()
  expect(checkpointsOf(second).length).toBeGreaterThan(0)
  expect(() => process.kill(pid!, 0)).toThrow()
  expect(strange).toEqual([])
})
