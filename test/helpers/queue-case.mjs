/** A process that joins the queue in the folder it is given, says so, and says when it is its turn. */
const [, , folder, command] = process.argv
const { joinQueue } = await import(new URL('../../dist/queue/queue.js', import.meta.url).href)
const abort = new AbortController()
process.once('SIGTERM', () => abort.abort())
process.stdin.resume()
try {
  const end = await joinQueue({
    command,
    folder,
    lookMs: 20,
    signal: abort.signal,
    onWait: (/** @type {number} */ ahead) => console.log(`waits behind ${ahead}`),
  })
  console.log('trains')
  process.stdin.once('end', async () => {
    await end()
    process.exit(0)
  })
} catch (error) {
  console.log(/** @type {{ code: string }} */ (error).code)
  process.exit(3)
}
