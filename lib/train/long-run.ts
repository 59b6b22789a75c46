/** What is said at once of a run that would take days, with what would fit. */
import { formatTime } from '../options/format-time.ts'
import { setting } from '../sampling/advice.ts'

const DAY = 86_400
const HOUR = 3600

/** Two digits are all that an estimate is worth. */
const roundly = (value: number) => Number(value.toPrecision(2))

/** A line for people where `maxImages` more images take more than a day; else undefined. */
export function longRunAdvice(maxImages: number, imagesPerSecond: number): string | undefined {
  const seconds = maxImages / imagesPerSecond
  if (!(imagesPerSecond > 0) || seconds <= DAY) return undefined
  const inAnHour = setting('maxImages', Math.max(1, roundly(imagesPerSecond * HOUR)))
  return `At ${imagesPerSecond.toPrecision(2)} images a second, the ${maxImages} images that are left take about ${formatTime(seconds)}. For what fits in an hour, let time choose size, network and schedule: time: '1h' (--time 1h); or keep them and stop early: ${inAnHour}`
}
