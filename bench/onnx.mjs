// A Node side of the benchmark: the exported network in onnxruntime-node, as a Node user would run it today.
import { createRequire } from 'node:module'
import { serve } from './serve.mjs'

const { file, threads, size, batch, package: folder } = JSON.parse(process.argv[2] ?? '{}')
const { InferenceSession, Tensor } = createRequire(import.meta.url)(folder)
const session = await InferenceSession.create(file, { intraOpNumThreads: threads, interOpNumThreads: 1 })
const x = new Float32Array(batch * 3 * size * size).map(() => Math.random() * 2 - 1)
const feeds = {
  x: new Tensor('float32', x, [batch, 3, size, size]),
  t: new Tensor('int64', new BigInt64Array(batch).fill(500n), [batch]),
}
await serve(
  {
    forward: async (count) => {
      for (let i = 0; i < count; i++) await session.run(feeds)
    },
  },
  {},
)
