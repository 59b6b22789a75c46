/** The tools for programs, over the SDK's own client: what they take, and what wrong input gets. */

import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LiveRuns } from '../../../lib/mcp/runs.ts'
import { makeMcpServer } from '../../../lib/mcp/server.ts'
import { sampleGroups, trainGroups } from '../../../lib/options/value-kind.ts'
import { fakeRun } from '../../helpers/fake-run.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

async function connect(): Promise<Client> {
  const server = makeMcpServer(new LiveRuns())
  const [mine, theirs] = InMemoryTransport.createLinkedPair()
  const client = new Client({ name: 'test', version: '1' })
  await Promise.all([server.connect(theirs), client.connect(mine)])
  onTestFinished(() => client.close())
  return client
}

type Result = {
  isError?: boolean
  structuredContent?: { error?: { code: string; message: string }; [key: string]: unknown }
}
const call = async (name: string, given: Record<string, unknown>): Promise<Result> =>
  (await (await connect()).callTool({ name, arguments: given })) as Result

const namesOf = (groups: { specs: object }[]) => groups.flatMap(({ specs }) => Object.keys(specs))

test('take the options of the calls that they make, with their help, and nothing else', async () => {
  const { tools } = await (await connect()).listTools()
  expect(tools.map(({ name }) => name)).toEqual(['train', 'stop', 'status', 'sample', 'evaluate'])
  const schemas = Object.fromEntries(tools.map(({ name, inputSchema }) => [name, inputSchema]))
  for (const { inputSchema } of tools)
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false })
  expect(Object.keys(schemas.train!.properties!)).toEqual([...namesOf(trainGroups()), 'wait'])
  expect(Object.keys(schemas.sample!.properties!)).toEqual(expect.arrayContaining(namesOf(sampleGroups())))
  expect(schemas.train!.properties!.maxImages).toMatchObject({ description: expect.stringMatching(/\w/) })
  expect([schemas.sample!.required, schemas.train!.required]).toEqual([['run'], undefined])
})

describe('wrong input is an answer with a code', () => {
  test.each([
    ['train', { maxImage: 5 }, 'OPTION_INVALID', 'maxImages'],
    ['train', { size: 'big', lr: -1 }, 'OPTION_INVALID', 'size'],
    ['train', { wait: 'yes' }, 'OPTION_INVALID', 'wait'],
    ['train', { data: '/nowhere/at/all' }, 'DATA_NOT_FOUND', '/nowhere'],
    ['sample', {}, 'OPTION_INVALID', 'run'],
    ['sample', { run: '/nowhere/at/all' }, 'RUN_NOT_FOUND', '/nowhere'],
    ['sample', { run: '' }, 'OPTION_INVALID', 'run'],
    ['evaluate', { run: 5 }, 'OPTION_INVALID', 'run'],
    ['evaluate', { run: '/nowhere', counts: 5 }, 'OPTION_INVALID', 'counts'],
    ['status', { run: '/nowhere/at/all' }, 'RUN_NOT_FOUND', '/nowhere'],
    ['status', { folder: 'x' }, 'OPTION_INVALID', 'folder'],
    ['stop', { run: '/nowhere' }, 'RUN_NOT_FOUND', 'no run that this server trains'],
    ['draw', {}, 'COMMAND_UNKNOWN', 'draw'],
  ])('%s %j', async (name, given, code, text) => {
    const { isError, structuredContent } = await call(name, given)
    expect([isError, structuredContent?.error?.code]).toEqual([true, code])
    expect(structuredContent?.error?.message).toContain(text)
  })
})

test('status lists runs, or says how far one is', async () => {
  const out = temporaryFolder()
  const run = fakeRun(join(out, '00000-diffusion-16-icons'), { images: 8 })
  expect((await call('status', { out })).structuredContent).toMatchObject({ runs: [{ run, images: 8 }] })
  expect((await call('status', { run })).structuredContent).toMatchObject({ run, images: 8, loss: 0.5, status: null })
})
