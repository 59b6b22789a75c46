/** Options of `train()`: the kind of model, a recipe, and what every kind has. Those of one kind are in models/. */
import { z } from 'zod'
import { type ModelName, models } from '../models/table.ts'
import { commonSpecs } from './common.ts'
import { option } from './option-spec.ts'
import { type RecipeName, recipes } from './recipes.ts'

const recipeNames = Object.keys(recipes) as [RecipeName, ...RecipeName[]]
const modelNames = Object.keys(models) as [ModelName, ...ModelName[]]

export const trainSpecs = {
  model: option(z.enum(modelNames), 'Kind of model.', { default: 'diffusion' }),
  recipe: option(
    z.enum(recipeNames).nullable(),
    'Set every option to what a published source says; what you give yourself overrides it.',
    { default: null, placeholder: 'NAME' },
  ),
  ...commonSpecs,
} as const
