// What exact.mjs found, as lines for the terminal.

/** @import { Exact } from '../page-cuda.mjs' */

/** @param {Exact} report */
export function* exactLines({ twice, cpu, beside, problems }) {
  for (const { name, same, tensors, different } of twice)
    yield `twice, ${name}: ${same ? `the same bytes in ${tensors} tensors` : `DIFFERENT: ${different.join(', ') || 'metrics'}`}`
  for (const { name, relative } of cpu) yield `beside the CPU, ${name}: ${relative.toExponential(2)}`
  for (const {
    name,
    updates,
    beside: deterministic,
    besidePlain,
    plainTwice,
    fast,
    fastProblem,
    weights,
    problem,
  } of beside) {
    yield `beside Python, ${name}, ${updates} updates: ${problem ?? ''} weights ${weights.same} of ${weights.of} identical`
    const courses = {
      deterministic,
      'as users run it': besidePlain,
      'Python twice': plainTwice,
      'cuda in a graph': fast,
    }
    for (const [what, found] of Object.entries(courses)) {
      if (!found) continue
      const where = `from update ${found.firstDifferent}, largest ${found.largest.toExponential(2)}`
      const means = found.means.map((mean) => mean.toFixed(5)).join(' and ')
      yield `  ${what}: ${found.identical ? 'identical' : where}, means ${means}`
    }
    if (fastProblem) yield `cuda in a graph, ${name}: ${fastProblem}`
  }
  for (const problem of problems) yield `problem: ${problem}`
}
