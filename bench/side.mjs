// The part that all Node sides of the benchmark share: answers each line it reads with the time of that work.
import { createInterface } from 'node:readline'

/** Does each work once, says that it is ready, then works on demand until its input ends. */
export async function serve(works, facts) {
  for (const work of Object.values(works)) await work()
  console.log(JSON.stringify(facts))
  for await (const line of createInterface({ input: process.stdin })) {
    const cpu = process.cpuUsage()
    const start = performance.now()
    await works[line]()
    const ms = performance.now() - start
    const { user, system } = process.cpuUsage(cpu)
    console.log(JSON.stringify({ ms, cpu: (user + system) / 1000 }))
  }
  process.exit(0)
}
