/** `shinsaku classify`: which class pictures are of, by a trained classifier; as lines, as JSON, or as a table of labels. */
import { stat } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { openSource } from '../data/source.ts'
import { throwIfAny, visible } from '../errors.ts'
import { writeDurable } from '../files/write.ts'
import type { Classification, LoadOptions } from '../index.ts'
import { loadGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { formatCount } from './format.ts'
import { exitCodes, type Io } from './io.ts'
import { STOPPING, type Stoppable, withStop } from './with-stop.ts'

type Values = Record<string, unknown>

/** A picture and the name it has in the table: of those of a folder, its path in it. */
type Named = { name: string; file: string }

async function picturesOf(given: readonly string[]): Promise<Named[]> {
  const [only] = given
  const isFolder = given.length === 1 && (await stat(only!).catch(() => undefined))?.isDirectory()
  if (!isFolder) return given.map((file) => ({ name: file, file }))
  const { items } = await openSource(only!)
  return items.map(({ path }) => ({ name: path, file: join(only!, path) }))
}

const csvField = (text: string): string => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const tableOf = (pictures: readonly Named[], found: readonly Classification[]): string =>
  ['file,class', ...pictures.map(({ name }, i) => `${csvField(name)},${csvField(found[i]!.label)}`), ''].join('\n')

/** Prints the class of each picture; resolves with the exit code. */
export async function classifyCommand(
  run: string,
  given: readonly string[],
  flags: Values,
  json: boolean,
  io: Io,
): Promise<number> {
  const out = flags.out as string | undefined
  if (out !== undefined && extname(out).toLowerCase() !== '.csv')
    throwIfAny([{ path: 'out', message: `must end in .csv, but is "${out}"` }])
  const { load } = await import('../index.ts')
  const model = await load(run, valuesOf(loadGroups(), flags) as LoadOptions)
  const work = async ({ signal, progress }: Stoppable) => {
    const pictures = await picturesOf(given)
    const found = await model.classify(
      pictures.map(({ file }) => file),
      {
        signal,
        onProgress: (done, total) => progress.update(`classifying ${formatCount(done)}/${formatCount(total)}`),
      },
    )
    progress.end()
    if (out !== undefined) {
      await writeDurable(out, tableOf(pictures, found))
      io.stderr.write(`Wrote ${visible(out)}: the classes of ${formatCount(found.length)} pictures.\n`)
    }
    for (const [i, { name }] of pictures.entries()) {
      const { label, probability } = found[i]!
      const line = json
        ? JSON.stringify({ file: name, ...found[i] })
        : `${visible(name)}  ${visible(label)}  ${(probability * 100).toFixed(1)}%`
      io.stdout.write(`${line}\n`)
    }
    return exitCodes.done
  }
  const stopped = (code: number) => {
    io.stderr.write('Stopped; nothing was written.\n')
    return code
  }
  return withStop(io, STOPPING, work, stopped).finally(() => model.dispose())
}
