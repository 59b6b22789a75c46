/** The trainer of rank 0, whose units the others compute with it. */
import type { Metrics, NativeTrainer } from '../../native/addon.ts'
import type { Group } from './group.ts'

/**
 * The trainer of rank 0 as the loop sees it, which knows of no others. What changes it outside of a unit (a checkpoint
 * that is loaded, new random numbers) reaches the others before the next unit.
 */
export function leadTrainer(trainer: NativeTrainer, group: Group): NativeTrainer {
  const { commands } = group
  let changed = true
  const changing =
    <A extends unknown[]>(call: (...args: A) => Promise<void>) =>
    (...args: A): Promise<void> => {
      changed = true
      return call(...args)
    }
  const lookForStop = async () => {
    if (!group.stopRequested) group.stopRequested = (await group.look('stop')) !== undefined
  }
  return {
    plan: (updates) => trainer.plan(updates),
    // Everything is queued at once, so that nothing comes in between.
    async step(updates, pixels) {
      const before: Promise<unknown>[] = []
      if (changed) before.push(commands.give({ do: 'synchronize' }), trainer.synchronize())
      changed = false
      before.push(commands.give({ do: 'step', updates }))
      const unit = trainer.step(updates, pixels)
      const [metrics] = await Promise.all<Metrics | unknown>([unit, ...before])
      // Whoever is lost by now fails the next unit.
      lookForStop().catch(() => {})
      return metrics as Metrics
    },
    tensors: () => trainer.tensors(),
    tensor: (name) => trainer.tensor(name),
    load: changing((tensors, pictures) => trainer.load(tensors, pictures)),
    reseed: changing((seed) => trainer.reseed(seed)),
    startAt: changing((images) => trainer.startAt(images)),
    async endAt(images) {
      await Promise.all([commands.give({ do: 'endAt', images }), trainer.endAt(images)])
    },
    synchronize: () => trainer.synchronize(),
    snapshot: (what) => trainer.snapshot(what),
    loss: (pixels, shape, args) => trainer.loss(pixels, shape, args),
    inferenceModel: (weights) => trainer.inferenceModel(weights),
    dispose: () => trainer.dispose(),
  }
}
