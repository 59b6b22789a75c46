/** Real trainers, into whose weights NaN goes between two units. */
import type { NativeTrainer } from '../../lib/native/addon.ts'
import { loadNative } from '../../lib/native/load.ts'

/** NaN goes into a weight before a unit that begins past `images`, as long as `left` is not 0. */
export type Poison = { images: number; left: number }

type Step = NativeTrainer['step']

/**
 * Once for a file, before its first run: the wrapped addon remembers its methods. `onStep` sees the arguments of each unit.
 */
export async function poisonTrainers(poison: Poison, onStep: (...args: Parameters<Step>) => void = () => {}) {
  const { raw } = await loadNative()
  const make = raw.trainer
  raw.trainer = async (...args) => {
    const trainer = await make(...args)
    const step = trainer.step.bind(trainer)
    let seen = 0
    const poisoning: Step = async (...unit) => {
      onStep(...unit)
      if (seen > poison.images && poison.left > 0) {
        poison.left -= 1
        const bytes = new Uint8Array(new Float32Array([Number.NaN, 0, 0]).buffer)
        await trainer.load([{ name: 'model.final_conv.bias', dtype: 'F32', shape: [3], bytes }], 'same')
      }
      const metrics = await step(...unit)
      seen = metrics.images!.at(-1)!
      return metrics
    }
    return Object.defineProperty(trainer, 'step', { value: poisoning, configurable: true })
  }
}
