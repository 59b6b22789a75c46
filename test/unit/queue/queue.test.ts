/** The queue of this machine, between processes. Needs dist/. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { joinQueue, listQueue, moveQueued, stopQueued } from '../../../lib/queue/queue.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { until } from '../../helpers/until.ts'

const program = fileURLToPath(new URL('../../helpers/queue-case.mjs', import.meta.url))

/** Another process in the queue, and what it has said. */
function joinAs(folder: string, command: string) {
  const child: ChildProcess = spawn(process.execPath, [program, folder, command], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let said = ''
  child.stdout!.on('data', (chunk) => {
    said += chunk
  })
  const exit = new Promise<number | null>((resolve) => child.on('exit', resolve))
  return { child, exit, says: (word: string) => until(() => said.includes(word)), said: () => said }
}

const orderIn = async (folder: string) => (await listQueue(folder)).map(({ command, state }) => `${command} ${state}`)
const idOf = async (folder: string, command: string) =>
  (await listQueue(folder)).find((entry) => entry.command === command)!.id

test('one trains, the others wait in order; they are moved, stopped, killed, and the next one goes on', async () => {
  const folder = join(temporaryFolder(), 'queue')
  expect(await listQueue(folder)).toEqual([])
  const a = joinAs(folder, 'a')
  await a.says('trains')
  const b = joinAs(folder, 'b')
  await b.says('waits behind 1')
  const c = joinAs(folder, 'c')
  await c.says('waits behind 2')
  const d = joinAs(folder, 'd')
  await d.says('waits behind 3')
  expect(await orderIn(folder)).toEqual(['a training', 'b waiting', 'c waiting', 'd waiting'])

  await moveQueued(await idOf(folder, 'd'), 1, folder)
  expect(await orderIn(folder)).toEqual(['a training', 'd waiting', 'b waiting', 'c waiting'])
  await moveQueued(await idOf(folder, 'd'), 2, folder)
  expect(await orderIn(folder)).toEqual(['a training', 'b waiting', 'd waiting', 'c waiting'])
  await moveQueued(await idOf(folder, 'b'), 3, folder)
  expect(await orderIn(folder)).toEqual(['a training', 'd waiting', 'c waiting', 'b waiting'])
  await expect(moveQueued(await idOf(folder, 'a'), 1, folder)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  for (const position of [0, 4, 1.5, Number.NaN])
    await expect(moveQueued(await idOf(folder, 'b'), position, folder)).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })

  // A waiter that is killed is dropped, and one that is stopped leaves with a code.
  d.child.kill('SIGKILL')
  await d.exit
  expect(await orderIn(folder)).toEqual(['a training', 'c waiting', 'b waiting'])
  await stopQueued(await idOf(folder, 'c'), folder)
  expect(await c.exit).toBe(3)
  expect(c.said()).toContain('ABORT_ERR')
  expect(await orderIn(folder)).toEqual(['a training', 'b waiting'])

  // So is the one that trains.
  a.child.kill('SIGKILL')
  await b.says('trains')
  expect(await orderIn(folder)).toEqual(['b training'])
  b.child.stdin!.end()
  expect(await b.exit).toBe(0)
  expect(await listQueue(folder)).toEqual([])

  // Whoever comes next sweeps what the killed ones have left.
  const end = await joinQueue({ command: 'e', folder })
  expect(await orderIn(folder)).toEqual(['e training'])
  expect(readdirSync(folder).filter((name) => name.endsWith('.json'))).toHaveLength(1)
  await end()
  expect(readdirSync(folder)).toEqual([])
})

test('ids that are none are QUEUE_NOT_FOUND, and what is no ticket is nobody’s', async () => {
  const folder = temporaryFolder()
  for (const [name, text] of [
    ['aaaaaa.json', '{'],
    ['bbbbbb.json', '{"id":"bbbbbb","pid":1}'],
    ['../x.json', ''],
  ] as const)
    if (!name.startsWith('..')) writeFileSync(join(folder, name), text)
  expect(await listQueue(folder)).toEqual([])
  for (const id of ['aaaaaa', 'bbbbbb', '', '../../etc', 'x'.repeat(1000)]) {
    await expect(stopQueued(id, folder)).rejects.toMatchObject({ code: 'QUEUE_NOT_FOUND' })
    await expect(moveQueued(id, 1, folder)).rejects.toMatchObject({ code: 'QUEUE_NOT_FOUND' })
  }
})

test('a call that is taken back leaves nothing', async () => {
  const folder = temporaryFolder()
  const end = await joinQueue({ command: 'first', folder })
  const abort = new AbortController()
  const seen: number[] = []
  const waiting = joinQueue({
    command: 'second',
    folder,
    signal: abort.signal,
    onWait: (ahead) => {
      seen.push(ahead)
      abort.abort()
    },
  })
  await expect(waiting).rejects.toMatchObject({ code: 'ABORT_ERR' })
  expect(seen).toEqual([1])
  expect(await orderIn(folder)).toEqual(['first training'])
  await end()
})
