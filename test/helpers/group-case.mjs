// One process of a group, for tests: trains with the options of its argument and prints how that ended.
import { train } from '../../dist/index.js'

const { report, ...options } = JSON.parse(process.argv[2] ?? '{}')
const abort = new AbortController()
process.on('SIGTERM', () => abort.abort())
const run = train({ ...options, signal: abort.signal, onLog: () => {} })
let updates = 0
try {
  for await (const status of run) {
    updates = status.updates
    // A test that waits for training to be under way reads this.
    if (report) process.stdout.write(`${JSON.stringify({ updates, run: run.folder })}\n`)
  }
  const model = await run
  const { images } = model
  const { weightsSha256 } = await model.describe()
  process.stdout.write(`${JSON.stringify({ images, run: run.folder, weightsSha256 })}\n`)
} catch (cause) {
  const error = /** @type {import('../../dist/index.js').ShinsakuError} */ (cause)
  process.stdout.write(
    `${JSON.stringify({ code: error.code, message: error.message, details: error.details, run: run.folder })}\n`,
  )
  process.exitCode = error.code === 'ABORT_ERR' ? 0 : 1
}
