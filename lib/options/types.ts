/** The types of options: what a call may give, which depends on the kind of model, and what they resolve to. */
import type { ModelName, models } from '../models/table.ts'
import type { CommonSampleGiven, CommonTrainGiven, SampleGiven, TrainGiven } from './given.ts'
import type { Given, OptionSpecs, Output } from './option-spec.ts'
import type { RecipeName, recipes } from './recipes.ts'
import type { sampleSpecs } from './sample.ts'
import type { trainSpecs } from './train.ts'

export type { ExportOptions } from './given.ts'

/** What is written of options, and those of the table that nothing is written of yet: `npm run docs` writes it. */
type Documented<G, S extends OptionSpecs> = [Exclude<keyof S, keyof G>] extends [never]
  ? G
  : G & Omit<Given<S>, keyof G>
type CommonTrain = Documented<CommonTrainGiven, typeof trainSpecs>
type CommonSample = Documented<CommonSampleGiven, typeof sampleSpecs>
type OwnTrain<M extends ModelName> = Documented<TrainGiven[M], (typeof models)[M]['specs']>
type OwnSample<M extends ModelName> = Documented<SampleGiven[M], (typeof models)[M]['sampleSpecs']>

type RecipeOf<M extends ModelName> = {
  [R in RecipeName]: (typeof recipes)[R]['model'] extends M ? R : never
}[RecipeName]

// One type for all kinds, so that editors find one symbol, and what it says, for each option.
type Common = Omit<CommonTrain, 'model' | 'recipe'>

/** An option with a narrower type, which keeps what is said of it: one that may be left out, and one that must be given. */
type May<K extends keyof CommonTrainGiven, V> = { [P in keyof Pick<CommonTrainGiven, K>]: V | undefined }
type Must<K extends keyof CommonTrainGiven, V> = { [P in keyof Pick<CommonTrainGiven, K>]-?: V }

/** Options of `train()` for a diffusion model, which is what a call without `model` trains. */
export type DiffusionTrainOptions = Common &
  May<'model', 'diffusion'> &
  May<'recipe', RecipeOf<'diffusion'> | null> &
  OwnTrain<'diffusion'>

/** Options of `train()` for another kind: named as the model, or by a recipe of it. */
type NamedTrainOptions<M extends ModelName> = Common &
  OwnTrain<M> &
  ((Must<'model', M> & May<'recipe', RecipeOf<M> | null>) | (May<'model', M> & Must<'recipe', RecipeOf<M>>))

/** Options of `train()` for a DCGAN. */
export type DcganTrainOptions = NamedTrainOptions<'dcgan'>

/** Options of `train()` for a progressively grown GAN. */
export type PganTrainOptions = NamedTrainOptions<'pgan'>

/** Options of `train()` for StyleGAN2. */
export type Stylegan2TrainOptions = NamedTrainOptions<'stylegan2'>

/** Options of `train()` for a classifier. */
export type ClassifierTrainOptions = NamedTrainOptions<'classifier'>

/** Options of `train()`, as given: those of one kind of model. */
export type TrainOptions =
  | DiffusionTrainOptions
  | DcganTrainOptions
  | PganTrainOptions
  | Stylegan2TrainOptions
  | ClassifierTrainOptions

type Merged<U> = { [K in U extends unknown ? keyof U : never]?: U extends Record<K, infer V> ? V : never }

/** Options of any kinds of model together, for code that is about all of them; resolving says which do not belong. */
export type AnyTrainOptions = CommonTrain & Merged<{ [M in ModelName]: Required<OwnTrain<M>> }[ModelName]>

/** What only other kinds of model have. */
type Absent<All, Own> = { readonly [K in Exclude<All extends unknown ? keyof All : never, keyof Own>]?: undefined }

/** The given options in their resolved form, which keep what is said of them. */
type Complete<G, S extends OptionSpecs> = { readonly [K in keyof G]-?: K extends keyof S ? Output<S[K]> : never }

type ResolvedOf<M extends ModelName> = Omit<Complete<CommonTrain, typeof trainSpecs>, 'model'> & {
  /** Kind of model. */
  readonly model: M
} & Complete<OwnTrain<M>, (typeof models)[M]['specs']> &
  Absent<{ [N in ModelName]: OwnTrain<N> }[ModelName], OwnTrain<M>>

/** Options of `train()`, complete. Options of another kind of model are absent. */
export type ResolvedTrainOptions = { [M in ModelName]: ResolvedOf<M> }[ModelName]

type SampleOptionsOf<M extends ModelName> = CommonSample &
  OwnSample<M> &
  Absent<{ [N in ModelName]: OwnSample<N> }[ModelName], OwnSample<M>>

/** Options of `model.sample()` for a diffusion model. */
export type DiffusionSampleOptions = SampleOptionsOf<'diffusion'>

/** Options of `model.sample()` for a DCGAN. */
export type DcganSampleOptions = SampleOptionsOf<'dcgan'>

/** Options of `model.sample()` for a progressively grown GAN. */
export type PganSampleOptions = SampleOptionsOf<'pgan'>

/** Options of `model.sample()` for StyleGAN2. */
export type Stylegan2SampleOptions = SampleOptionsOf<'stylegan2'>

/** Options of `model.sample()`, as given: those of one kind of model. */
export type SampleOptions = { [M in ModelName]: SampleOptionsOf<M> }[ModelName]

type SampleSpecsOf<M extends ModelName> = (typeof models)[M]['sampleSpecs']

type CompleteSample<M extends ModelName> = Partial<Complete<OwnSample<M>, SampleSpecsOf<M>>>

/** Options of `model.sample()`, complete. */
export type ResolvedSampleOptions = Omit<Complete<CommonSample, typeof sampleSpecs>, 'seeds'> & {
  readonly seeds: readonly number[]
} & CompleteSample<'diffusion'> &
  CompleteSample<'dcgan'> &
  CompleteSample<'pgan'> &
  CompleteSample<'stylegan2'>
