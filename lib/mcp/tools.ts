/** The tools: what each does, what it takes (made of the option tables), and what it answers. */
import { readFile } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { z } from 'zod'
import { throwIfAny } from '../errors.ts'
import { type EvaluateCall, evaluate } from '../evaluate/evaluate.ts'
import { mcpSpecs } from '../options/mcp.ts'
import type { OptionSpec, OptionSpecs } from '../options/option-spec.ts'
import { aboutUnknown, problemsIn } from '../options/resolve.ts'
import type { TrainOptions } from '../options/types.ts'
import { evaluateGroups, type Group, loadGroups, sampleGroups, trainGroups } from '../options/value-kind.ts'
import { listRuns, summarize } from '../run/list.ts'
import { load } from '../sampling/load.ts'
import type { LoadOptions, SampleCall } from '../sampling/model.ts'
import type { LiveRuns } from './runs.ts'

export type ToolContext = {
  runs: LiveRuns
  /** Fires where the caller takes the call back. */
  signal: AbortSignal
  /** Tells a caller that asked for it how far the call has come. */
  onProgress(done: number, total: number, message: string): void
}

/** What a tool answers: values, and pictures for those who can look. */
export type Answer = { values: Record<string, unknown>; png?: Uint8Array }

type Values = Readonly<Record<string, unknown>>

export type Tool = {
  description: string
  /** Changes nothing on disk. */
  readOnly: boolean
  own: OptionSpecs
  groups(): Group[]
  call(own: Values, options: Values, context: ToolContext): Promise<Answer>
}

/** A larger picture is only named. */
const MAX_SHOWN_BYTES = 2 ** 20

export const tools: Readonly<Record<string, Tool>> = {
  train: {
    description:
      'Train an image generator on a folder of pictures, or go on with a run. Answers with the run folder as soon as it trains; "status" says how far it is, "stop" saves and ends it.',
    readOnly: false,
    own: mcpSpecs.train,
    groups: trainGroups,
    async call({ wait }, options, { runs, onProgress }) {
      const run = await runs.start(options as TrainOptions, ({ images, maxImages, loss }) =>
        onProgress(images, maxImages, `loss ${loss.toPrecision(3)}`),
      )
      if (wait === true) await runs.wait(run)
      return { values: { ...(await summarize(run)), status: runs.statusOf(run) } }
    },
  },
  stop: {
    description: 'Save a checkpoint of a run that "train" has started, and end it.',
    readOnly: false,
    own: mcpSpecs.stop,
    groups: () => [],
    async call({ run }, _, { runs }) {
      await runs.stop(run as string)
      return { values: { ...(await summarize(resolve(run as string))) } }
    },
  },
  status: {
    description: 'List the runs in a folder, the newest first, or say how far one run is.',
    readOnly: true,
    own: mcpSpecs.status,
    groups: () => [],
    async call({ run, out = mcpSpecs.status.out.default }, _, { runs }) {
      if (typeof run !== 'string') return { values: { runs: await listRuns(out as string) } }
      await requireRun(run)
      return { values: { ...(await summarize(resolve(run))), status: runs.statusOf(run) } }
    },
  },
  sample: {
    description: 'Sample pictures with a trained model into one grid, and show it.',
    readOnly: false,
    own: mcpSpecs.sample,
    groups: () => [...loadGroups(), ...sampleGroups()],
    async call({ run, grid = mcpSpecs.sample.grid.default }, options, { signal, onProgress }) {
      const loadNames = loadGroups().flatMap(({ specs }) => Object.keys(specs))
      const isLoad = ([name]: [string, unknown]) => loadNames.includes(name)
      const entries = Object.entries(options)
      const model = await load(run as string, Object.fromEntries(entries.filter(isLoad)) as LoadOptions)
      try {
        const call: SampleCall = {
          ...(Object.fromEntries(entries.filter((entry) => !isLoad(entry))) as SampleCall),
          signal,
          onProgress: (done) => onProgress(done, 1, 'sampled'),
        }
        const path = resolve(await model.sample(call).grid(grid as string))
        const bytes = extname(path).toLowerCase() === '.png' ? await readFile(path) : undefined
        const shown = bytes && bytes.length <= MAX_SHOWN_BYTES ? { png: bytes } : {}
        return { values: { grid: path, images: model.images }, ...shown }
      } finally {
        model.dispose()
      }
    },
  },
  evaluate: {
    description: 'Measure how good the samples of a run are and how new, and write a report into it.',
    readOnly: false,
    own: mcpSpecs.evaluate,
    groups: evaluateGroups,
    async call({ run }, options, { signal, onProgress }) {
      const call: EvaluateCall = {
        ...(options as EvaluateCall),
        signal,
        onProgress: ({ phase, done, total }) => onProgress(done, total, phase),
      }
      return { values: { ...(await evaluate(run as string, call)) } }
    },
  },
}

async function requireRun(run: string): Promise<void> {
  const { requireFolder } = await import('../run/trained.ts')
  await requireFolder(run)
}

const described = ({ schema, help }: OptionSpec) => schema.describe(help)

/** Every option of a tool by its name: its own first. */
function specsOf({ own, groups }: Tool): OptionSpecs {
  const others = groups().flatMap(({ specs }) => Object.entries(specs))
  return { ...Object.fromEntries(others), ...own }
}

/** What has no default of its own, and no null, must be given. */
const isRequired = ({ schema, default: usual }: OptionSpec): boolean =>
  usual === undefined && !schema.safeParse(undefined).success

/** What a tool takes, as JSON Schema says it. */
export function inputSchemaOf(tool: Tool): Record<string, unknown> {
  const shape = Object.entries(specsOf(tool)).map(([name, spec]) => [
    name,
    Object.hasOwn(tool.own, name) && isRequired(spec) ? described(spec) : described(spec).optional(),
  ])
  return z.toJSONSchema(z.strictObject(Object.fromEntries(shape)), { io: 'input', unrepresentable: 'any' })
}

/** Calls a tool. Throws OPTION_INVALID with everything that is wrong with its own options; of the others, what it calls throws. */
export function callTool(tool: Tool, given: Values, context: ToolContext): Promise<Answer> {
  const entries = Object.entries(given)
  const isOwn = ([name]: [string, unknown]) => Object.hasOwn(tool.own, name)
  const own = Object.fromEntries(entries.filter(isOwn))
  const options = Object.fromEntries(entries.filter((entry) => !isOwn(entry)))
  const missing = Object.entries(tool.own).filter(([name, spec]) => isRequired(spec) && own[name] === undefined)
  const known = specsOf(tool)
  const names = Object.keys(known)
  const unknown = Object.keys(options).filter((name) => !Object.hasOwn(known, name))
  throwIfAny([
    ...missing.map(([path, { help }]) => ({ path, message: `is missing. ${help}` })),
    ...unknown.map((path) => ({ path: path.slice(0, 100), message: aboutUnknown(path, names, (ours) => `"${ours}"`) })),
    ...problemsIn(tool.own, own),
  ])
  return tool.call(own, options, context)
}
