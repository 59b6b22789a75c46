/** The native models over a trained model's weights, shared by all that sample with them and freed after the last. */
import type { Weights } from '../checkpoint/state-names.ts'
import { ShinsakuError } from '../errors.ts'
import type { NativeInferenceModel } from '../native/addon.ts'

export class InferenceModels {
  readonly #make: (weights: Weights) => Promise<NativeInferenceModel>
  readonly #close: () => void
  readonly #models = new Map<Weights, Promise<NativeInferenceModel>>()
  #users = 0
  #disposed = false

  /** `make` is called once for each kind of weights, when it is first needed; `close` once it will not be any more. */
  constructor(make: (weights: Weights) => Promise<NativeInferenceModel>, close: () => void = () => {}) {
    this.#make = make
    this.#close = close
  }

  /** Keeps the models until the returned function is called, whatever is disposed meanwhile. Throws DISPOSED. */
  hold(): () => void {
    if (this.#disposed) throw new ShinsakuError('DISPOSED', 'The model was disposed before its pictures were asked for')
    this.#users += 1
    let held = true
    return () => {
      if (held) this.#users -= 1
      held = false
      this.#freeIfDone()
    }
  }

  /** To be called by who holds the models. */
  get(weights: Weights): Promise<NativeInferenceModel> {
    let model = this.#models.get(weights)
    if (!model) {
      model = this.#make(weights)
      model.catch(() => this.#models.delete(weights))
      this.#models.set(weights, model)
    }
    return model
  }

  dispose(): void {
    this.#disposed = true
    this.#freeIfDone()
  }

  #freeIfDone(): void {
    if (!this.#disposed || this.#users > 0) return
    for (const model of this.#models.values())
      model.then(
        (native) => native.dispose(),
        () => {},
      )
    this.#models.clear()
    this.#close()
  }
}
