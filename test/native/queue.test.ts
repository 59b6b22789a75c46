/** R55: the queue and the device thread have no data race. Without Node and libtorch, so that TSan sees every thread. */
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const compiler = process.env.CXX || 'c++'
const flags = ['-std=c++20', '-g', '-O1', '-fsanitize=thread']

const works =
  spawnSync(compiler, [...flags, '-x', 'c++', '-o', '/dev/null', '-'], { input: 'int main() {}' }).status === 0

test.skipIf(!works)('R55: threads that submit, end and are ended at once, under ThreadSanitizer', async () => {
  const program = join(temporaryFolder(), 'queue-test')
  const sources = ['test/native/queue/queue_test.cc', 'native/napi/queue.cc', 'native/napi/device_thread.cc']
  // The folder of the test comes first: its napi.h stands in for node-addon-api's.
  await promisify(execFile)(compiler, [...flags, '-Itest/native/queue', '-Inative', ...sources, '-o', program], {
    cwd: root,
  })
  // Older sanitizers do not run where the kernel spreads addresses widely.
  const { stdout } = await promisify(execFile)('setarch', ['x86_64', '-R', program])
  expect(stdout.trim().split('\n')).toEqual([
    'settled in order',
    'terminated 800 times',
    'shut down',
    'training had its share of the time',
    'sampled within units',
    'stopped for exit',
  ])
})
