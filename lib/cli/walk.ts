/** `shinsaku walk`: an animation, or a folder of pictures, of what lies between seeds. */
import { extname } from 'node:path'
import { throwIfAny } from '../errors.ts'
import type { PictureFormat } from '../images/encode.ts'
import type { ImportOptions, LoadOptions, WalkCall } from '../index.ts'
import { loadGroups, walkGroups } from '../options/value-kind.ts'
import { animationFormat } from '../sampling/walk.ts'
import { weightsText } from '../sampling/weights.ts'
import { valuesOf } from './flags.ts'
import { formatCount } from './format.ts'
import { exitCodes, type Io } from './io.ts'
import { STOPPING, type Stoppable, withStop } from './with-stop.ts'

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
  let pictures = 0
  const files: string[] = []
  const write = async ({ signal, progress }: Stoppable): Promise<number> => {
    const options = valuesOf(walkGroups(), flags) as WalkCall
    const walk = model.walk({
      ...options,
      signal,
      onProgress: (share: number) => progress.update(`sampling ${Math.floor(share * 100)}%`),
      onPicture: () => {
        pictures += 1
      },
    })
    try {
      if (animation) files.push(await walk.save(out, { ...numberOf(flags, 'fps'), ...numberOf(flags, 'scale') }))
      else
        await walk.frames(out, {
          ...(flags.format === undefined ? {} : { format: flags.format as PictureFormat }),
          overwrite: flags.overwrite === true,
          onFile: (path) => files.push(path),
        })
    } finally {
      // What is written stays, whatever ends the rest.
      progress.end()
      if (files.length > 0) print({ run, images: model.images, pictures, files }, json, io)
    }
    const { weights = 'auto' } = options
    const used = weights === 'auto' ? model.autoWeights : weights
    io.stderr.write(
      `Walked through ${formatCount(pictures)} pictures with the ${weightsText(used)} after ${formatCount(model.images)} images.\n`,
    )
    return exitCodes.done
  }
  return withStop(io, STOPPING, write, (code) => {
    const kept = files.length > 0 ? `${formatCount(files.length)} pictures are kept` : 'nothing was written'
    io.stderr.write(`Stopped; ${kept}.\n`)
    return code
  }).finally(() => model.dispose())
}

type Result = { run: string; images: number; pictures: number; files: readonly string[] }

function print(result: Result, json: boolean, { stdout }: Io): void {
  stdout.write(json ? `${JSON.stringify(result)}\n` : result.files.map((path) => `${path}\n`).join(''))
}
