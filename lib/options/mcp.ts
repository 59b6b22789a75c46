/** What the tools for programs take beside the options of the calls that they make. */
import { z } from 'zod'
import { option } from './option-spec.ts'
import { trainSpecs } from './train.ts'

const run = z.string().min(1)

export const mcpSpecs = {
  train: {
    wait: option(z.boolean(), 'Answer only when the run has ended; without it, as soon as it trains.', {
      default: false,
    }),
  },
  stop: { run: option(run, 'Folder of the run, as train named it.') },
  status: {
    run: option(run.nullable(), 'Folder of one run; none lists those in out.', { default: null }),
    out: trainSpecs.out,
  },
  sample: {
    run: option(run, 'Run folder, or one checkpoint of it.'),
    grid: option(run, 'File of the grid to write: .png or .webp.', { default: 'grid.png', placeholder: 'FILE' }),
  },
  evaluate: { run: option(run, 'Run folder, or one checkpoint of it.') },
} as const
