// A process that saves a checkpoint beside one that is there, once it is told to; first it names the thread that will.
const { readdirSync } = require('node:fs')
const { stat } = require('node:fs/promises')

const [, , run, images] = process.argv
const threads = new Set(readdirSync('/proc/self/task'))

const tensors = [
  { name: 'model.weight', dtype: 'U8', shape: [3000] },
  { name: 'optimizer.step', dtype: 'U8', shape: [3000] },
]

async function main() {
  // libuv starts its thread (UV_THREADPOOL_SIZE=1) with the first asynchronous call.
  await stat('.')
  const [thread] = readdirSync('/proc/self/task').filter((name) => !threads.has(name))
  const { saveCheckpoint } = await import('../../dist/checkpoint/save.js')
  console.log(`thread ${thread}`)
  await new Promise((resolve) => process.stdin.once('data', resolve))
  await saveCheckpoint(run, {
    state: { images: Number(images), updates: 1, epoch: 0, elapsedSeconds: 1, pending: { count: 0, sums: {} } },
    origin: { options: 'a'.repeat(64), pictures: null },
    tensors,
    readTensor: async () => new Uint8Array(3000).fill(Number(images)),
    keep: 1,
  })
  console.log(`saved ${images}`)
  process.exit(0)
}

main()
