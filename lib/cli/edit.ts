/** `shinsaku like` and `shinsaku fill`: what they do with a model beside what `sample` does. */

import { type Condition, conditionOf, conditions } from '../options/condition.ts'
import { FILL_STEPS, fillPasses, fillSpecs } from '../options/edit.ts'
import { fillGroups, likeGroups, sampleGroups } from '../options/value-kind.ts'
import { formatCount } from './format.ts'
import type { Edit } from './sample.ts'

export const likeEdit = (picture: string): Edit => ({
  groups: likeGroups,
  begin: (model, call) => model.like(picture, call),
})

type Cost = { steps?: number; jumpLength?: number; resamplings?: number }

export const fillEdit = (picture: string, mask: string): Edit => ({
  groups: fillGroups,
  begin: (model, call) => model.fill(picture, mask, call),
  cost(values, { options }) {
    if (conditionOf(options) !== null) return undefined
    const { steps = FILL_STEPS, jumpLength, resamplings }: Cost = values
    const passes = fillPasses(
      steps,
      jumpLength ?? fillSpecs.jumpLength.default!,
      resamplings ?? fillSpecs.resamplings.default!,
    )
    return `Filling takes ${formatCount(passes)} passes of the network for each picture.`
  },
})

type Turning = 'upscale' | 'colour' | 'draw' | 'brighten'

/** The command that is named after a condition. */
export const conditionEdit = (condition: Condition, picture: string): Edit => ({
  groups: sampleGroups,
  begin: (model, call) => model[conditions[condition].name as Turning](picture, call),
})
