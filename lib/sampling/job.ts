/** What `sample()` returns: pictures that are computed when they are asked for, in the form that is asked for. */
import { workingFolder } from '../options/paths.ts'
import { checkGrid, type GridOptions, gridBytes, saveGrid } from './grid.ts'
import type { Picture, PictureSource } from './picture.ts'
import { collect, type Pictures } from './pictures.ts'
import type { Sampling } from './sampling.ts'
import { checkSave, type SaveOptions, saveEach } from './save.ts'

type Opened = { source: PictureSource; close(): void }

/**
 * Pictures in the making. Nothing is computed before they are asked for: await the job for all of them in memory, or
 * call `save()` or `grid()`, or iterate it, which hold a few pictures, however many are sampled. Each of these samples
 * anew, but takes the pictures in memory once the job has been awaited.
 */
export class SampleJob implements PromiseLike<Pictures>, AsyncIterable<Picture> {
  readonly #open: () => Promise<Sampling>
  #pictures: Promise<Pictures> | undefined

  constructor(open: () => Promise<Sampling>) {
    this.#open = open
  }

  // biome-ignore lint/suspicious/noThenProperty: a job is awaitable by design
  then<A = Pictures, B = never>(
    done?: ((value: Pictures) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#collected().then(done, failed)
  }

  /**
   * One file for each picture, encoded and durably written as it is finished; resolves to their paths. Equal seeds
   * give one file. Files that are complete when it fails or is aborted stay; `onFile` is told of them. A file that the
   * same checkpoint and options made is kept, and not sampled again; any other of that name is FILE_EXISTS.
   */
  async save(folder: string, options: SaveOptions = {}): Promise<string[]> {
    const from = workingFolder()
    checkSave(folder, options)
    return this.#use((source) => saveEach(source, folder, options, from))
  }

  /**
   * All pictures on one grid: the bytes of a PNG file, or the path of the .png or .webp file that was written. PNG is
   * written row by row; WebP is composed in memory and has at most 16383 pixels a side. When it is aborted, the file
   * holds what was finished, and black for the rest.
   */
  grid(path?: undefined, options?: GridOptions): Promise<Uint8Array>
  grid(path: string, options?: GridOptions): Promise<string>
  grid(path?: string, options: GridOptions = {}): Promise<Uint8Array | string> {
    return path === undefined ? this.#use((source) => gridBytes(source, options)) : this.#saveGrid(path, options)
  }

  /** Each picture as it is finished. Leaving the loop frees what samples. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Picture, void, undefined> {
    const { source, close } = await this.#opened()
    try {
      yield* source
    } finally {
      close()
    }
  }

  async #saveGrid(path: string, options: GridOptions): Promise<string> {
    const from = workingFolder()
    // A path that is null is one that was asked for.
    checkGrid(options, path ?? null)
    return this.#use((source) => saveGrid(source, path, options, from))
  }

  #collected(): Promise<Pictures> {
    if (!this.#pictures) {
      const pictures = this.#use(collect)
      // What has failed may be asked for again, in this form or another.
      pictures.catch(() => {
        this.#pictures = undefined
      })
      this.#pictures = pictures
    }
    return this.#pictures
  }

  async #opened(): Promise<Opened> {
    if (this.#pictures) return { source: await this.#pictures, close: () => {} }
    const sampling = await this.#open()
    return { source: sampling, close: () => sampling.close() }
  }

  async #use<T>(use: (source: PictureSource) => Promise<T>): Promise<T> {
    const { source, close } = await this.#opened()
    try {
      return await use(source)
    } finally {
      close()
    }
  }
}
