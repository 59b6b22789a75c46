/** What `walk()` and `between()` return: pictures on the way from seed to seed, as they come or as one animation. */
import { access } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { ShinsakuError, throwIfAny, visible } from '../errors.ts'
import { makeFolderDurable, writeDurable } from '../files/write.ts'
import type { AnimationFormat } from '../images/animation.ts'
import type { PictureFormat } from '../images/encode.ts'
import { absolutePath, workingFolder } from '../options/paths.ts'
import { checkGrid, type GridOptions } from './grid.ts'
import { type Picture, requireFormat } from './picture.ts'
import type { Sampling } from './sampling.ts'
import { requireFolderName, requireTargets } from './targets.ts'

export type AnimationOptions = GridOptions & {
  /** Pictures shown in a second: 20 by default, 1 to 50. The animation repeats for ever. */
  fps?: number
}

export type FrameOptions = {
  /** "png" (default) or "webp". */
  format?: PictureFormat
  /** Replace files that are there; otherwise they refuse the call. */
  overwrite?: boolean
  /** Called with each file once it is durable, in order. */
  onFile?: (path: string) => void
}

const formats: readonly AnimationFormat[] = ['webp', 'gif', 'png']

/** The format that a path asks for by its extension; undefined where it names no animation. */
export function animationFormat(path: unknown): AnimationFormat | undefined {
  const extension = typeof path === 'string' ? extname(path).slice(1).toLowerCase() : ''
  return formats.find((format) => format === (extension === 'apng' ? 'png' : extension))
}

const MAX_FPS = 50

/** Throws OPTION_INVALID for what no animation could be made with. */
function checkAnimation(path: unknown, { fps = 20, ...options }: AnimationOptions): AnimationFormat {
  checkGrid(options)
  if (!(Number.isFinite(fps) && fps >= 1 && fps <= MAX_FPS))
    throwIfAny([{ path: 'fps', message: `must be a number from 1 to ${MAX_FPS}, but is ${fps}` }])
  const format = animationFormat(path)
  if (format === undefined)
    throwIfAny([{ path: 'path', message: `must end in .webp, .gif, .png or .apng, but is ${JSON.stringify(path)}` }])
  return format!
}

/** A walk under way, and how it was asked for, in a few words for the metadata of an animation. */
export type OpenedWalk = { readonly sampling: Sampling; readonly settings: Readonly<Record<string, unknown>> }

/**
 * Pictures of a walk in the making. Nothing is computed before they are asked for; each form computes them anew. A
 * picture at a seed is the one that `sample()` gives; one between two has both in its metadata, as `seed` and `toSeed`,
 * and how far it is on its way as `mix`.
 */
export class Walk implements PromiseLike<Picture[]>, AsyncIterable<Picture> {
  readonly #open: () => Promise<OpenedWalk>

  constructor(open: () => Promise<OpenedWalk>) {
    this.#open = open
  }

  /** All pictures in memory, in order. */
  // biome-ignore lint/suspicious/noThenProperty: a job is awaitable by design
  then<A = Picture[], B = never>(
    done?: ((value: Picture[]) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#collected().then(done, failed)
  }

  async #collected(): Promise<Picture[]> {
    const pictures: Picture[] = []
    for await (const picture of this) pictures.push(picture)
    return pictures
  }

  /** Each picture as it is finished. Leaving the loop frees what samples. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Picture, void, undefined> {
    const { sampling } = await this.#open()
    try {
      yield* sampling
    } finally {
      sampling.close()
    }
  }

  /**
   * An animation of all pictures: the path of the .webp, .gif or .png (.apng) file that was written, durably and only
   * once it is whole. PNG holds one picture in memory, the others all of them, and refuse more than 134 million pixels.
   * WebP and PNG are without loss; GIF has 256 colours a picture.
   */
  async save(path: string, options: AnimationOptions = {}): Promise<string> {
    const from = workingFolder()
    const format = checkAnimation(path, options)
    const target = absolutePath(path, from)
    await requireTargets({ grid: target })
    const { encodeAnimation, requireAnimationFits } = await import('../images/animation.ts')
    const { enlarged } = await import('../images/grid.ts')
    const { sampling, settings } = await this.#open()
    const { scale = 1, fps = 20 } = options
    try {
      const { size, channels, provenance, seeds } = sampling
      const shape = { width: size * scale, height: size * scale, channels }
      const timing = { count: seeds.length, milliseconds: Math.round(1000 / fps) }
      requireAnimationFits(shape, timing.count, format)
      async function* pixelsOf() {
        for await (const { pixels } of sampling) yield enlarged(pixels, sampling, scale)
      }
      await writeDurable(target, encodeAnimation(pixelsOf(), shape, timing, format, { ...provenance, ...settings }))
      return path
    } finally {
      sampling.close()
    }
  }

  /**
   * One file for each picture, `frame-00000.png` and so on, written durably as it is finished; resolves to their paths.
   * Files that are complete when it fails or is aborted stay. Rejects with FILE_EXISTS where one is there already.
   */
  async frames(folder: string, options: FrameOptions = {}): Promise<string[]> {
    const from = workingFolder()
    const { format = 'png', overwrite = false, onFile } = options
    requireFolderName(folder)
    requireFormat(format)
    const target = absolutePath(folder, from)
    await requireTargets({ folder: target })
    const { sampling } = await this.#open()
    try {
      const names = sampling.seeds.map((_, i) => `frame-${String(i).padStart(5, '0')}.${format}`)
      if (!overwrite) await requireFree(target, names)
      await makeFolderDurable(target)
      const paths: string[] = []
      for await (const picture of sampling) {
        const name = names[paths.length]!
        await writeDurable(join(target, name), await picture.encode(format))
        paths.push(join(folder, name))
        onFile?.(paths.at(-1)!)
      }
      return paths
    } finally {
      sampling.close()
    }
  }
}

/** Throws FILE_EXISTS where a file of one of these names is in the folder. */
async function requireFree(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name)
    const isThere = await access(path).then(
      () => true,
      () => false,
    )
    if (isThere)
      throw new ShinsakuError('FILE_EXISTS', `${visible(path)} is there already`, {
        hint: 'Give another folder, or move away what is there; overwrite: true (--overwrite) replaces it.',
        details: { path },
      })
  }
}
