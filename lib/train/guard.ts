/** The copy guard of a run: when it looks, how many samples its share of the time pays for, and what it warns of, once. */
import { ShinsakuError } from '../errors.ts'
import { definitionOf } from '../models/table.ts'
import type { ResolvedTrainOptions } from '../options/types.ts'
import { firstWarning, type GuardLook, type GuardReason, type GuardRecord } from '../run/guard-records.ts'
import type { GuardMeasure } from './guard-measure.ts'
import { lookText, warningText } from './guard-text.ts'
import type { Counters } from './status.ts'

/** Fewer samples say too little to be worth their time. */
const MIN_SAMPLES = 32
/** More make the bounds hardly narrower: half a percent of 512 samples is two of them. */
const MAX_SAMPLES = 512

export type GuardDeps = {
  options: ResolvedTrainOptions
  measure: Pick<GuardMeasure, 'measure' | 'compared' | 'dispose'>
  log(line: string): void
  /** What is on record of the run that goes on. */
  looks: readonly GuardLook[]
}

/**
 * Whether copies are more frequent among the samples than among held-out pictures, by chance or not. Once the losses have
 * parted it is not: the few samples that there is time for show the first copies long before they alone prove anything.
 */
const hasMore = ({ copyShare, copyShareHeldOut }: Pick<GuardRecord, 'copyShare' | 'copyShareHeldOut'>): boolean =>
  copyShare !== null && copyShare.value > (copyShareHeldOut?.value ?? 0)

export class Guard {
  readonly #deps: GuardDeps
  #looks: GuardLook[]
  /** Seconds that the newest look took: for each sample, and for all the rest. */
  #cost: { perSample: number; rest: number } | undefined
  #failed = false

  constructor(deps: GuardDeps) {
    this.#deps = deps
    this.#looks = [...deps.looks]
  }

  /** Images at its first warning of copies; undefined as long as there was none. */
  get warnedAt(): number | undefined {
    return firstWarning(this.#looks)
  }

  /** The newest look; null before the first. */
  get newest(): GuardRecord | null {
    return this.#looks.at(-1)?.guard ?? null
  }

  /** Looks at the weights as they are; undefined where there is no time for it yet. Never fails: a guard is not worth a run. */
  async look({ images, elapsedSeconds }: Counters, imagesPerSecond: number): Promise<GuardRecord | undefined> {
    const samples = this.#affordable(elapsedSeconds, imagesPerSecond)
    // NaN before the rate is known.
    if (this.#failed || !(samples >= MIN_SAMPLES)) return undefined
    const { measure, log, options } = this.#deps
    try {
      const startedAt = performance.now()
      const { copies, secondsPerSample, otherSeconds, ...found } = await measure.measure(samples, images)
      this.#cost = { perSample: secondsPerSample, rest: otherSeconds }
      const gap = found.gaps.some(({ low }) => low > 0)
      const warned = this.#news({ gap, copies: copies || (gap && hasMore(found)) })
      const guard = { ...found, seconds: (performance.now() - startedAt) / 1000, warned }
      this.#looks.push({ images, guard })
      log(warned.length > 0 ? warningText(images, guard, options) : lookText(images, guard))
      return guard
    } catch (error) {
      this.#giveUp(error)
      return undefined
    }
  }

  /** The run has gone back to `images`. */
  rewind(images: number): void {
    this.#looks = this.#looks.filter((look) => look.images <= images)
  }

  dispose(): void {
    this.#deps.measure.dispose()
  }

  /** What is true now and was not warned of before. */
  #news(now: Readonly<Record<GuardReason, boolean>>): GuardReason[] {
    const reasons = Object.keys(now) as GuardReason[]
    return reasons.filter((reason) => now[reason] && !this.#looks.some(({ guard }) => guard.warned.includes(reason)))
  }

  /** Samples that the time left to the guard pays for. */
  #affordable(elapsedSeconds: number, imagesPerSecond: number): number {
    const { options } = this.#deps
    const spent = this.#looks.reduce((sum, { guard }) => sum + guard.seconds, 0)
    const left = options.guardTime * elapsedSeconds - spent
    const { perSample, rest } = this.#cost ?? this.#guess(imagesPerSecond)
    return Math.min(MAX_SAMPLES, Math.floor((left - rest) / perSample))
  }

  /** Before the first look: by the time that training takes. */
  #guess(imagesPerSecond: number): { perSample: number; rest: number } {
    const { options, measure } = this.#deps
    const definition = definitionOf(options.model)
    const passes = measure.compared * definition.guard.rows.length
    return {
      perSample: definition.sampleCost(options) / imagesPerSecond,
      rest: passes / 3 / imagesPerSecond,
    }
  }

  /** What ends the run ends the guard with it; anything else ends the guard alone. */
  #giveUp(error: unknown): void {
    if (!(error instanceof ShinsakuError) || error.code === 'SHUT_DOWN') throw error
    if (error.code === 'ABORT_ERR') return
    this.#failed = true
    this.#deps.log(`Warning: the copy guard looks no more in this session: ${error.message}`)
  }
}
