/** Draws any number of pictures with a native model, one batch after the other, as `Model.sample()` does. */
import type { NativeInferenceModel, Spec } from '../../lib/native/addon.ts'

type Args = Spec & { seeds: readonly number[]; batch: number }

/** Pixels of all seeds, and how many steps that took. */
export async function drawPixels(
  model: NativeInferenceModel,
  { seeds, batch, ...args }: Args,
): Promise<{ pixels: Buffer; steps: number }> {
  const parts: Uint8Array[] = []
  let steps = 0
  const rows = args.batchNorm === 'batch' ? seeds.length : batch
  for (let begin = 0; begin < seeds.length; begin += rows) {
    const sampler = await model.sampler({ ...args, batch, seeds: seeds.slice(begin, begin + rows) })
    for (let done = false; !done; steps++) done = await sampler.step()
    parts.push(await sampler.pixels())
    sampler.dispose()
  }
  return { pixels: Buffer.concat(parts), steps }
}
