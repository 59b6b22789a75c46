/** Models over the weights of a trainer as they are, while it trains. */
import { definitionOf } from '../models/table.ts'
import { Model } from '../sampling/model.ts'
import type { OpenTrainer } from './open-trainer.ts'

/** Lends a model over a copy of the weights that have seen `images`: training goes on meanwhile. */
export type LendModel = <T>(images: number, use: (model: Model) => PromiseLike<T>) => Promise<T>

export function liveModels(
  { options, placement, trainer }: Pick<OpenTrainer, 'options' | 'placement' | 'trainer'>,
  run: string,
): LendModel {
  return async (images, use) => {
    const model = new Model({
      options,
      placement,
      images,
      imagesPerUpdate: definitionOf(options.model).imagesPerUpdate(options),
      run,
      inferenceModel: (weights) => trainer.inferenceModel(weights),
    })
    return Promise.resolve(use(model)).finally(() => model.dispose())
  }
}
