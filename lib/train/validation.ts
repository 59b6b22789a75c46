/** How often a classifier is right while it trains: measured after each pass over the pictures, and said in a report at the end. */
import { buffer } from 'node:stream/consumers'
import type { PixelStore } from '../data/pixel-store.ts'
import { encodeGrid } from '../images/grid.ts'
import { CLASSIFIED_AT_ONCE, classesOf, classifyPixels } from '../sampling/classify.ts'
import { type Answer, type ClassifierReport, reportOf, sideOf, writeClassifierReport } from './classifier-report.ts'
import type { LendModel } from './live-models.ts'
import type { OpenTrainer } from './open-trainer.ts'
import type { Accuracy } from './status.ts'

export type ValidationDeps = Pick<OpenTrainer, 'options' | 'data'> & {
  withModel: LendModel
  /** The folder of the run, for the report. */
  run: string
}

export class Validation {
  readonly #deps: ValidationDeps
  readonly #classes: readonly string[]
  #newest: (ClassifierReport & { at: number }) | undefined

  constructor(deps: ValidationDeps) {
    this.#deps = deps
    this.#classes = classesOf(deps.options)
  }

  get newest(): Accuracy | null {
    const { accuracy } = this.#newest ?? {}
    return accuracy ?? null
  }

  /** The images after `images` at which the next pass over the pictures ends. */
  nextAt(images: number): number {
    const { count } = this.#deps.data.store
    return (Math.floor(images / count) + 1) * count
  }

  /** Whether weights that have seen `images`, more than `before`, are to be measured. */
  isDue(images: number, before: number): boolean {
    return images >= this.nextAt(before)
  }

  /** Measures the weights as they are. Nothing of training moves. */
  async measure(images: number): Promise<Accuracy> {
    if (this.#newest?.at !== images) this.#newest = { ...(await this.#measure(images)), at: images }
    return this.#newest.accuracy
  }

  #measure(images: number): Promise<ClassifierReport> {
    const { data, withModel } = this.#deps
    const { files, heldOut = [] } = data.manifest
    return withModel(images, async (model) => {
      const answers = async (store: PixelStore, side: readonly (typeof files)[number][]): Promise<Answer[]> => {
        const truths = sideOf(side, data.labels!, this.#classes)
        const found: Answer[] = []
        for (let first = 0; first < store.count; first += CLASSIFIED_AT_ONCE) {
          const rows = truths.slice(first, first + CLASSIFIED_AT_ONCE)
          const pixels = await store.read(rows.map((_, i) => first + i))
          const said = await classifyPixels(model, pixels, rows.length)
          for (const [i, { path, truth }] of rows.entries()) {
            // What only held-out pictures are, nobody has taught it.
            if (truth < 0) continue
            const { index, probabilities } = said[i]!
            found.push({
              path,
              row: first + i,
              truth,
              said: index,
              probability: probabilities[index]!,
              ofTruth: probabilities[truth]!,
            })
          }
        }
        return found
      }
      const train = await answers(data.store, files)
      const test = data.heldOut ? await answers(data.heldOut, heldOut) : null
      return reportOf({ images, classes: this.#classes, data: data.manifest.data }, train, test)
    })
  }

  /** Writes what was measured last into the run's folder. */
  async write(): Promise<void> {
    if (!this.#newest) return
    const { worst, record } = this.#newest
    const { data, run } = this.#deps
    const store = (record.test && data.heldOut) || data.store
    const { size, channels } = store
    const pixels = await Promise.all(worst.map(({ row }) => store.read([row])))
    const png = await buffer(encodeGrid(pixels, { count: pixels.length, size, channels }, 'png'))
    await writeClassifierReport(run, this.#newest, png)
  }
}
