/** What a run that is bound in time trains: the largest network that sees enough images, and a schedule of their number. */
import { throwIfAny } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import { formatTime } from '../options/format-time.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions, ResolvedTrainOptions } from '../options/types.ts'
import { flagText } from '../options/value-kind.ts'

/** Of the time, what the last checkpoint and its previews take, until they are measured. */
const USABLE = 0.95

/** A network is looked at where the one before lets expect this share of the images that it needs. */
const HOPEFUL = 0.7

/** Checkpoints for the time that has passed, within limits, and at most so many preview grids for the images seen. */
const CHECKPOINTS = 5
const CHECKPOINT_SECONDS = { least: 30, most: 600 }
const PREVIEWS = 20

export type TimePlanDeps = {
  /** Images a second of these options; undefined where their network does not fit in memory. */
  measure(options: ResolvedTrainOptions): Promise<number | undefined>
  /** The median of the shorter sides of the pictures, in pixels; Infinity where they are drawn at any size. */
  pictureSide: number
  /** Seconds of the time that have passed. */
  spent(): number
}

export type TimePlan = {
  /** As given, with what was chosen. */
  options: AnyTrainOptions
  /** For people: what was chosen, and what more time would give. */
  lines: readonly string[]
}

type Candidate = {
  network: Readonly<Record<string, unknown>>
  options: ResolvedTrainOptions
  needs: number
  cost: number
}
type Measured = Candidate & { rate: number; images: number }

/** Throws OPTION_INVALID where the length of the run is given twice. */
export function requireOneLength(given: AnyTrainOptions): void {
  if (given.time == null || given.maxImages === undefined) return
  const how = 'leave one of them out; to repeat a timed run from its config.json, set time to null, --time none'
  throwIfAny([{ path: 'maxImages', message: `follows from time: ${how}` }])
}

/** Every network of the kind with what is given in place of its own options, each once. */
function candidates(given: AnyTrainOptions, { model }: ResolvedTrainOptions, side: number): Candidate[] {
  const { timed } = definitionOf(model)
  const own = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
  const networks = timed.networks.length > 0 ? timed.networks : [{}]
  const byText = new Map<string, Candidate>()
  let refusal: unknown
  for (const network of networks) {
    try {
      const options = resolveTrain({ ...network, ...timed.settings(0), ...own } as AnyTrainOptions)
      const candidate = { network, options, needs: timed.imagesFor(options), cost: timed.costOf(options) }
      byText.set(JSON.stringify(options), candidate)
    } catch (error) {
      // What is given may not go with every network: a size that its stages do not divide.
      refusal ??= error
    }
  }
  const all = [...byText.values()]
  if (all.length === 0) throw refusal
  // Larger than the pictures are, they would only be blurred.
  const sharp = all.filter(({ options }) => given.size !== undefined || options.size <= side)
  return sharp.length > 0 ? sharp : all.slice(0, 1)
}

/** The largest one that sees enough images in `seconds()`, and the one above it; where none does, the smallest. */
async function choose(
  list: readonly Candidate[],
  measure: TimePlanDeps['measure'],
  seconds: () => number,
): Promise<{ chosen: Measured; larger: Candidate | undefined }> {
  const measured = async (candidate: Candidate): Promise<Measured> => {
    const rate = (await measure(candidate.options)) ?? 0
    return { ...candidate, rate, images: Math.floor(rate * seconds() * USABLE) }
  }
  const fits = ({ images, needs }: Measured) => images >= needs
  // The second is the one that most machines end with in minutes.
  let index = Math.min(1, list.length - 1)
  let chosen = await measured(list[index]!)
  while (!fits(chosen) && index > 0) chosen = await measured(list[--index]!)
  while (fits(chosen)) {
    const larger = list[index + 1]
    if (!larger || (chosen.images * chosen.cost) / larger.cost < HOPEFUL * larger.needs) break
    const tried = await measured(larger)
    if (!fits(tried)) break
    chosen = tried
    index += 1
  }
  return { chosen, larger: list[index + 1] }
}

const listText = (options: Readonly<Record<string, unknown>>): string =>
  Object.entries(options)
    .map(([name, value]) => `${name} ${flagText(value)}`)
    .join(', ')

/** What is said of the choice. `time` is in seconds. */
function linesOf(
  { rate, images, ...network }: Measured,
  larger: Candidate | undefined,
  chosen: Readonly<Record<string, unknown>>,
  time: number,
): string[] {
  const lines = [
    `For ${formatTime(time)} on this machine: ${listText(chosen)}`,
    `Measured ${rate.toPrecision(3)} images a second: about ${images} images, which the clock corrects as the run goes on`,
  ]
  // Without a speed, because nothing fits in memory, training is what fails, and says what to do.
  if (rate === 0) return lines.slice(0, 1)
  const timeFor = ({ needs, cost }: Candidate) => (needs * cost) / (rate * network.cost) / USABLE
  const { options } = network
  if (images < network.needs)
    lines.push(
      `Warning: that is few for ${options.size} pixels: expect blobs. From ${formatTime(timeFor(network))} on it would be enough`,
    )
  else if (larger) {
    const { widthOption } = definitionOf(options.model)
    const width = (larger.options as Readonly<Record<string, unknown>>)[widthOption]
    lines.push(
      `From about ${formatTime(timeFor(larger))} on, the choice would be ${larger.options.size} pixels and ${widthOption} ${width}`,
    )
  }
  return lines
}

/** Chooses what is left open of a run whose `time` is set. Throws OPTION_INVALID where nothing fits what is given. */
export async function planTime(
  given: AnyTrainOptions,
  options: ResolvedTrainOptions,
  { measure, pictureSide, spent }: TimePlanDeps,
): Promise<TimePlan> {
  const time = options.time!
  const left = () => Math.max(0, time - spent())
  const list = candidates(given, options, pictureSide)
  const { chosen, larger } = await choose(list, measure, left)
  const { timed, imagesPerUpdate } = definitionOf(options.model)
  const images = Math.max(Math.floor(chosen.rate * left() * USABLE), imagesPerUpdate(chosen.options))
  const settings: Record<string, unknown> = {
    ...chosen.network,
    ...timed.settings(images),
    checkpointTime: Math.min(Math.max(time / CHECKPOINTS, CHECKPOINT_SECONDS.least), CHECKPOINT_SECONDS.most),
    checkpointImages: Math.max(options.checkpointImages, Math.ceil(images / PREVIEWS)),
  }
  const open = Object.fromEntries(
    Object.entries(settings).filter(([name]) => (given as Readonly<Record<string, unknown>>)[name] === undefined),
  )
  return {
    options: { ...given, ...open, maxImages: images } as AnyTrainOptions,
    lines: linesOf({ ...chosen, images }, larger, open, time),
  }
}
