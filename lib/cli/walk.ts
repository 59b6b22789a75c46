/** `shinsaku walk`: an animation, or a folder of pictures, of what lies between seeds. */
import { extname } from 'node:path'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import type { PictureFormat } from '../images/encode.ts'
import type { ImportOptions, LoadOptions, WalkCall } from '../index.ts'
import { loadGroups, walkGroups } from '../options/value-kind.ts'
import { animationFormat } from '../sampling/walk.ts'
import { weightsText } from '../sampling/weights.ts'
import { valuesOf } from './flags.ts'
import { formatCount } from './format.ts'
import { exitCodes, type Io, onStopSignals, type StopSignal } from './io.ts'
import { Progress } from './progress.ts'

type Values = Record<string, unknown>

/** Flags that only one form of output takes. */
const formFlags = { animation: ['fps', 'scale'], folder: ['format', 'overwrite'] } as const

/** Whether the output is one file. Throws OPTION_INVALID for flags of the other form. */
function isAnimation(out: string, flags: Values): boolean {
  const animation = animationFormat(out) !== undefined
  if (!animation && extname(out) !== '')
    throwIfAny([{ path: 'out', message: `must end in .webp, .gif, .png or .apng, or be a folder, but is "${out}"` }])
  const others = formFlags[animation ? 'folder' : 'animation'].filter((name) => flags[name] !== undefined)
  throwIfAny(
    others.map((path) => ({
      path,
      message: `is for ${animation ? 'a folder of pictures' : 'an animation'}, but out is "${out}"`,
    })),
  )
  return animation
}

const numberOf = (flags: Values, name: string) => (flags[name] === undefined ? {} : { [name]: Number(flags[name]) })

/** Samples and writes; prints the paths. Resolves with the exit code. */
export async function walkCommand(run: string, flags: Values, json: boolean, io: Io): Promise<number> {
  const out = flags.out as string
  const animation = isAnimation(out, flags)
  const { load } = await import('../index.ts')
  const model = await load(run, valuesOf(loadGroups(), flags) as LoadOptions & ImportOptions)
  const progress = new Progress(io.stderr)
  const abort = new AbortController()
  let stoppedBy: StopSignal | undefined
  const undo = onStopSignals(io, (signal) => {
    stoppedBy = signal
    progress.log('Stopping. Another signal ends at once.')
    abort.abort()
  })
  let pictures = 0
  const files: string[] = []
  try {
    const options = valuesOf(walkGroups(), flags) as WalkCall
    const walk = model.walk({
      ...options,
      signal: abort.signal,
      onProgress: (share: number) => progress.update(`sampling ${Math.floor(share * 100)}%`),
      onPicture: () => {
        pictures += 1
      },
    })
    if (animation) files.push(await walk.save(out, { ...numberOf(flags, 'fps'), ...numberOf(flags, 'scale') }))
    else
      await walk.frames(out, {
        ...(flags.format === undefined ? {} : { format: flags.format as PictureFormat }),
        overwrite: flags.overwrite === true,
        onFile: (path) => files.push(path),
      })
    progress.end()
    print({ run, images: model.images, pictures, files }, json, io)
    const { weights = 'auto' } = options
    const used = weights === 'auto' ? model.autoWeights : weights
    io.stderr.write(
      `Walked through ${formatCount(pictures)} pictures with the ${weightsText(used)} after ${formatCount(model.images)} images.\n`,
    )
    return exitCodes.done
  } catch (error) {
    progress.end()
    if (files.length > 0) print({ run, images: model.images, pictures, files }, json, io)
    if (!stoppedBy || !(error instanceof ShinsakuError) || error.code !== 'ABORT_ERR') throw error
    io.stderr.write(
      files.length > 0
        ? `Stopped; ${formatCount(files.length)} pictures are kept.\n`
        : 'Stopped; nothing was written.\n',
    )
    return exitCodes[stoppedBy]
  } finally {
    undo()
    model.dispose()
  }
}

type Result = { run: string; images: number; pictures: number; files: readonly string[] }

function print(result: Result, json: boolean, { stdout }: Io): void {
  stdout.write(json ? `${JSON.stringify(result)}\n` : result.files.map((path) => `${path}\n`).join(''))
}
