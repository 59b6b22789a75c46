/** `shinsaku like` and `shinsaku fill`: what they do with a model beside what `sample` does. */
import { FILL_STEPS, fillPasses, fillSpecs } from '../options/edit.ts'
import { fillGroups, likeGroups } from '../options/value-kind.ts'
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
  cost(values) {
    const { steps = FILL_STEPS, jumpLength, resamplings }: Cost = values
    const passes = fillPasses(
      steps,
      jumpLength ?? fillSpecs.jumpLength.default!,
      resamplings ?? fillSpecs.resamplings.default!,
    )
    return `Filling takes ${formatCount(passes)} passes of the network for each picture.`
  },
})
