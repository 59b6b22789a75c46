/** What a training run would be, before it starts. */
import { workingFolder } from '../options/paths.ts'
import type { DescribeCall, RunDescription } from './run-description.ts'

/**
 * Checks options and data and describes the run without training; nothing but a report is written.
 * Rejects as `train()` would, and with FILE_FAILED or DISK_FULL where a report cannot be written.
 */
export async function describe(call: DescribeCall = {}): Promise<RunDescription> {
  const from = workingFolder()
  const { describeRun } = await import('./describe-run.ts')
  return describeRun(call, from)
}
