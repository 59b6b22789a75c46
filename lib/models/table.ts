/** The kinds of model there are. A new one is one file beside this and one line here. */
import { classifier } from './classifier.ts'
import { dcgan } from './dcgan.ts'
import { diffusion } from './diffusion.ts'
import type { ModelDefinition } from './model.ts'
import { pgan } from './pgan.ts'
import { stylegan2 } from './stylegan2.ts'

export const models = {
  diffusion,
  dcgan,
  pgan,
  stylegan2,
  classifier,
} as const satisfies Record<string, ModelDefinition>

export type ModelName = keyof typeof models

/** A kind without its own types, for code that works for every kind. */
export const definitionOf = (model: ModelName): ModelDefinition => models[model]
