/** What an exported model says of itself: a plan for each number of steps, and where it comes from. */

import { toSpec } from '../backend/placement.ts'
import { ShinsakuError, throwIfAny } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import type { Addon, Spec } from '../native/addon.ts'
import { conditionOf } from '../options/condition.ts'
import { isLabelSet } from '../options/labels.ts'
import type { ResolvedOnnxOptions } from '../options/onnx.ts'
import { resolveSample } from '../options/resolve.ts'
import type { ResolvedTrainOptions, SampleOptions } from '../options/types.ts'
import type { Provenance } from '../sampling/picture.ts'
import { DESCRIPTION_FORMAT, type Description } from './browser/description.ts'

/** Numbers of steps that are there to choose from beside the usual one. */
const OTHER_STEPS = [8, 12, 50]

/** The sampling options of each number of steps. Throws OPTION_INVALID. */
function samplings(options: ResolvedOnnxOptions, trained: ResolvedTrainOptions) {
  const { sampler, eta, steps: asked } = options
  const isNoise = trained.model === 'diffusion'
  const given = { ...(sampler !== null && { sampler }), ...(eta !== 0 && { eta }) } as SampleOptions
  if (!isNoise) {
    resolveSample(given, trained)
    if (asked !== null)
      throwIfAny([{ path: 'steps', message: `applies to model "diffusion" only, but model is "${trained.model}"` }])
    return []
  }
  const usual = resolveSample(given, trained)
  const isFixed = usual.sampler === 'ddpm' || (trained.distilSteps ?? null) !== null
  const others = isFixed ? [] : OTHER_STEPS.filter((steps) => steps <= trained.timesteps)
  const steps = new Set(asked ?? [usual.steps!, ...others])
  return [...steps].map((count) => resolveSample({ ...given, steps: count } as SampleOptions, trained))
}

/** Throws OPTION_INVALID, and ONNX_UNSUPPORTED for a kind of model that has no ONNX form. */
export async function describeSampling(
  addon: Addon,
  spec: Spec,
  trained: ResolvedTrainOptions,
  options: ResolvedOnnxOptions,
  provenance: Provenance,
): Promise<Description> {
  const form = definitionOf(trained.model).exported?.(trained)
  if (!form)
    throw new ShinsakuError('ONNX_UNSUPPORTED', `A model of kind "${trained.model}" cannot be exported to ONNX`)
  const condition = conditionOf(trained)
  if (condition !== null)
    throw new ShinsakuError(
      'ONNX_UNSUPPORTED',
      `A model that was trained with condition "${condition}" cannot be exported to ONNX yet`,
    )
  const calls = samplings(options, trained)
  // Guidance is no part of the plans.
  if (trained.labels !== null && calls.length > 0)
    throw new ShinsakuError(
      'ONNX_UNSUPPORTED',
      'A diffusion model that was trained with labels cannot be exported to ONNX',
    )
  const plans = []
  for (const call of calls) plans.push(await addon.planSampling(spec, toSpec({ ...call, seeds: [] })))
  return {
    format: DESCRIPTION_FORMAT,
    model: trained.model,
    size: trained.size,
    channels: trained.channels,
    ...form,
    ...(isLabelSet(trained.labels) && { labels: trained.labels.attributes }),
    ...(calls[0]?.sampler !== undefined && { sampler: calls[0].sampler }),
    plans,
    provenance,
  }
}
