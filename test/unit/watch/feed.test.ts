/** What open pages are sent: everything at first, then what is new. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Feed, type News } from '../../../lib/watch/feed.ts'
import { WatchedRuns } from '../../../lib/watch/runs.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { until } from '../../helpers/until.ts'
import { fullRun, PNG, watchServer } from '../../helpers/watch.ts'

const name = '00000-diffusion-16-icons'

async function open() {
  const folder = temporaryFolder()
  const run = fullRun(folder)
  const feed = new Feed(await WatchedRuns.open(folder), async () => [])
  onTestFinished(() => feed.close())
  const heard: News[] = []
  const remove = feed.add({ names: new Set([name, 'none', '../etc']), send: (news) => heard.push(news) })
  await feed.look()
  const events = () => heard.splice(0).map(({ event }) => event)
  return { run, feed, heard, events, remove }
}

test('a page is sent all there is, then only what has changed', async () => {
  const { run, feed, heard, events, remove } = await open()
  expect(events()).toEqual(['runs', 'queue', 'details', 'curves', 'log'])
  await feed.look()
  expect(events()).toEqual([])
  appendFileSync(join(run, 'metrics.jsonl'), '{"images":300,"loss":0.25}\n')
  appendFileSync(join(run, 'log.txt'), 'more\n')
  writeFileSync(join(run, 'samples/000000300.png'), PNG)
  await feed.look()
  expect(heard.find(({ event }) => event === 'points')).toMatchObject({
    data: { name, points: [{ kind: 'loss', images: 300, value: 0.25 }], warnedAt: null },
  })
  expect(heard.find(({ event }) => event === 'details')).toMatchObject({ data: { samples: [0, 200, 300] } })
  expect(events().sort()).toEqual(['details', 'log', 'points', 'runs'])
  writeFileSync(join(run, 'metrics.jsonl'), '{"images":1,"loss":1}\n')
  await feed.look()
  expect(heard.find(({ event }) => event === 'curves')).toMatchObject({ data: { series: [{ images: [1] }] } })
  remove()
  events()
  appendFileSync(join(run, 'log.txt'), 'more\n')
  await feed.look()
  expect(events()).toEqual([])
})

test('over HTTP: as server-sent events, which end with the server', async () => {
  const folder = temporaryFolder()
  fullRun(folder)
  const server = await watchServer({ folder })
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  const response = await fetch(`${url}/api/events?run=${name}`)
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  let text = ''
  const ended = (async () => {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk
  })()
  await until(() => text.includes('event: log'))
  expect(text.match(/^event: \w+/gm)).toEqual(['runs', 'queue', 'details', 'curves', 'log'].map((e) => `event: ${e}`))
  await server.close()
  await ended
})
