/** An ONNX file of a trained model, ready to be written. */
import { basename } from 'node:path'
import { placeOn, toSpec } from '../backend/placement.ts'
import type { SavedWeights } from '../checkpoint/read.ts'
import { readWeights } from '../checkpoint/read.ts'
import { modelFile as checkpointFile } from '../checkpoint/records.ts'
import { isSamplingWeight, type Weights, weightNames } from '../checkpoint/state-names.ts'
import { describeExported, exportedKey } from '../convert/exported.ts'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import type { TensorInfo } from '../native/addon.ts'
import { loadAddon } from '../native/load.ts'
import type { ResolvedOnnxOptions } from '../options/onnx.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { locateTrained, trainedOptions } from '../run/trained.ts'
import { DIGEST_LENGTH } from '../sampling/model.ts'
import { autoWeights } from '../sampling/weights.ts'
import { version } from '../system/version.ts'
import { type Description, descriptionKey } from './browser/description.ts'
import { multiplyAdds } from './cost.ts'
import { describeSampling } from './describe.ts'
import { type LoweredGraph, lower } from './lower.ts'
import { modelFile } from './model-file.ts'

export type MadeOnnx = {
  readonly weights: Weights
  readonly parameters: number
  readonly bytes: number
  /** Of one evaluation of the network, for one picture. */
  readonly multiplyAdds: number
  readonly images: number
  readonly run: string
  /** Name of the checkpoint's folder. */
  readonly checkpoint: string
  readonly options: ResolvedTrainOptions
  readonly description: Description
  chunks(): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

/** Throws OPTION_INVALID for weights that the model does not have. */
function chooseWeights(asked: ResolvedOnnxOptions['weights'], trained: ResolvedTrainOptions, images: number): Weights {
  if (asked === 'ema' && trained.emaDecay === null)
    throwIfAny([{ path: 'weights', message: '"ema" is not in this model, which keeps no average of them' }])
  if (asked !== 'auto') return asked
  return autoWeights(trained, images, definitionOf(trained.model).imagesPerUpdate(trained))
}

/** The stored tensors that the graph takes, by its names. Throws CHECKPOINT_MISMATCH. */
function storedWeights(graph: LoweredGraph, { model }: SavedWeights, weights: Weights, run: string) {
  const infos = new Map(model.tensors.map((info) => [info.name, info]))
  const names = new Map(
    weightNames([...infos.keys()].filter(isSamplingWeight), weights).map(({ stored, name }) => [name, stored]),
  )
  return new Map<string, TensorInfo>(
    graph.parameters.map((name) => {
      const info = infos.get(names.get(name) ?? '')
      if (info?.dtype === 'F32') return [name, info]
      throw new ShinsakuError(
        'CHECKPOINT_MISMATCH',
        `The network of ${run} needs "${name}" as F32, which its checkpoint has not`,
      )
    }),
  )
}

/** Throws ONNX_UNSUPPORTED for weights that the graph is not of. */
async function requireExportable(
  { model }: SavedWeights,
  trained: ResolvedTrainOptions,
  weights: Weights,
  run: string,
) {
  const condition = definitionOf(trained.model).exportedWith?.(trained)
  if (!condition) return
  const names = weightNames(model.tensors.map(({ name }) => name).filter(isSamplingWeight), weights)
  const bytes = await model.read(names.find(({ name }) => name === condition.tensor)!.stored)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (condition.values.every((value, i) => view.getFloat32(4 * i, true) === value)) return
  throw new ShinsakuError(
    'ONNX_UNSUPPORTED',
    `The network of ${run} cannot be exported to ONNX yet: ${condition.otherwise}`,
  )
}

const elements = ({ shape }: TensorInfo) => shape.reduce((product, side) => product * side, 1)

/** To be closed. Rejects as `exportOnnx()` says. */
export async function makeOnnx(path: string, options: ResolvedOnnxOptions): Promise<MadeOnnx> {
  const place = await locateTrained(path)
  const trained = await trainedOptions(place.run)
  const saved = await readWeights(place.folder, place.manifest)
  try {
    const { images } = place.manifest
    const weights = chooseWeights(options.weights, trained, images)
    const addon = await loadAddon()
    const spec = toSpec(trained, placeOn('cpu', trained, []))
    const description = await describeSampling(addon, spec, trained, options, {
      generator: 'shinsaku',
      run: basename(place.run),
      images,
      checkpoint: place.manifest.files[checkpointFile].sha256.slice(0, DIGEST_LENGTH),
      model: trained.model,
      weights,
    })
    await requireExportable(saved, trained, weights, path)
    const traced = await addon.trace(spec)
    const graph = lower(traced)
    const tensors = storedWeights(graph, saved, weights, path)
    const file = modelFile({
      graph,
      weights: tensors,
      read: (name) => saved.model.read(tensors.get(name)!.name),
      precision: options.precision,
      metadata: {
        [descriptionKey]: JSON.stringify(description),
        [exportedKey]: describeExported({ ...trained }, images),
      },
      producerVersion: version,
    })
    const parameters = [...tensors.values()].reduce((sum, info) => sum + elements(info), 0)
    const { run } = place
    return {
      ...file,
      weights,
      parameters,
      multiplyAdds: multiplyAdds(traced, tensors),
      images,
      run,
      checkpoint: basename(place.folder),
      options: trained,
      description,
      close: () => saved.close(),
    }
  } catch (error) {
    await saved.close()
    throw error
  }
}
