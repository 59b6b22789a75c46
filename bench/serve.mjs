// The protocol of a Node side of the benchmark, the same as that of peer/__main__.py.
import { createInterface } from 'node:readline'

/**
 * Does each work once, says that it is ready, then does `WORK WARM COUNT` on demand until its input ends. A work does its
 * thing as often as it is told.
 * @param {Record<string, (count: number) => Promise<unknown>>} works
 * @param {object} facts
 */
export async function serve(works, facts) {
  for (const work of Object.values(works)) await work(1)
  /** @param {object} value */
  const answer = (value) => console.log(JSON.stringify(value))
  answer(facts)
  for await (const line of createInterface({ input: process.stdin })) {
    const [name = '', warm, count] = line.split(' ')
    if (name === 'release') {
      answer({})
      continue
    }
    const work = works[name]
    if (!work) throw new Error(`no work is called ${name}`)
    if (Number(warm) > 0) await work(Number(warm))
    const cpu = process.cpuUsage()
    const start = performance.now()
    await work(Number(count))
    const ms = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    answer({ ms, cpu: (user + system) / 1000, reserved: null })
  }
  process.exit(0)
}
