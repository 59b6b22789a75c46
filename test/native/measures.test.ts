/** Statistics of features and distances of sets of them, against plain computations. */
import { beforeAll, describe, expect, test } from 'vitest'
import { finishMeasure } from '../../lib/evaluate/finish-measure.ts'
import type { FeatureStatistics, NativeEvaluate, NativeFeatures } from '../../lib/native/evaluate.ts'
import { loadAddon } from '../../lib/native/load.ts'
import { withThreads } from '../../lib/native/with-threads.ts'

let addon: NativeEvaluate
beforeAll(async () => {
  addon = withThreads(await loadAddon(), 2)
})

type Rows = Float32Array[]

/** Rows about `centre`, the same for the same seed; float32 values. */
function rowsOf(count: number, width: number, seed: number, centre = 0): Rows {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  // Sums of uniform numbers, with directions of different spread.
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: width }, (_, j) => centre + (1 + j / width) * (next() + next() + next() - 1.5)),
  )
}

const flat = (rows: Rows) => Float32Array.from(rows.flatMap((row) => [...row]))

async function featuresOf(rows: Rows, keep = rows.length, piece = rows.length): Promise<NativeFeatures> {
  const features = await addon.features(rows[0]!.length, keep)
  for (let i = 0; i < rows.length; i += piece) await features.append(flat(rows.slice(i, i + piece)))
  return features
}

const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0)
const mean = (values: ArrayLike<number>) => sum(Array.from(values)) / values.length

function plainStatistics(rows: Rows): FeatureStatistics {
  const width = rows[0]!.length
  const means = Float64Array.from({ length: width }, (_, j) => mean(rows.map((row) => row[j]!)))
  const covariance = Float64Array.from({ length: width * width }, (_, at) => {
    const [i, j] = [Math.floor(at / width), at % width]
    return sum(rows.map((row) => (row[i]! - means[i]!) * (row[j]! - means[j]!))) / (rows.length - 1)
  })
  return { mean: means, covariance }
}

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number) {
  expect(actual.length).toBe(expected.length)
  const apart = Array.from(actual, (value, i) => Math.abs(value - expected[i]!))
  expect(Math.max(...apart)).toBeLessThan(tolerance)
}

describe('statistics', () => {
  test.each([
    { count: 9, keep: 9, piece: 9 },
    { count: 50, keep: 50, piece: 7 },
    { count: 50, keep: 20, piece: 7 },
    { count: 50, keep: 0, piece: 50 },
    { count: 2100, keep: 1500, piece: 2100 },
  ])('of $count rows, $keep of them kept, $piece at once', async ({ count, keep, piece }) => {
    const rows = rowsOf(count, 5, 3, 100)
    const { n, ...found } = await (await featuresOf(rows, keep, piece)).statistics()
    const expected = plainStatistics(rows)
    expect(n).toBe(count)
    expectClose(found.mean, expected.mean, 1e-9)
    expectClose(found.covariance, expected.covariance, 1e-9)
  })

  test('rows that are none, NaN, too few: coded errors', async () => {
    const features = await addon.features(3, 10)
    await expect(features.append(new Float32Array(4))).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    await expect(features.append(Float32Array.of(1, Number.NaN, 2))).rejects.toMatchObject({
      code: 'WEIGHTS_NOT_FINITE',
    })
    await features.append(Float32Array.of(1, 2, 3))
    await expect(features.statistics()).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
    await expect(addon.features(0, 10)).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    await expect(async () => features.append([1, 2, 3] as never)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  })
})

describe('Frechet distance', () => {
  const frechet = async (a: NativeFeatures | FeatureStatistics, b: NativeFeatures | FeatureStatistics) =>
    finishMeasure(await addon.frechetDistance(a, b))
  const diagonal = (values: readonly number[], centre: readonly number[]): FeatureStatistics => ({
    mean: Float64Array.from(centre),
    covariance: Float64Array.from(values.flatMap((value, i) => values.map((_, j) => (i === j ? value : 0)))),
  })

  test('of independent features it is that of each one: (mean a - mean b)² + (sd a - sd b)²', async () => {
    const [a, b] = [diagonal([4, 9, 0], [1, 2, 3]), diagonal([1, 16, 25], [2, 2, 0])]
    expect(await frechet(a, b)).toEqual({
      value: expect.closeTo(10 + 1 + 1 + 25, 9),
      meanTerm: 10,
      covarianceTerm: expect.closeTo(27, 9),
    })
  })

  test.each([
    ['both smaller than the width', 9, 7],
    ['one smaller', 40, 7],
    ['the other smaller', 7, 40],
    ['both larger', 40, 60],
  ])('%s: rows give what their statistics give', async (_, n, m) => {
    const [a, b] = [rowsOf(n, 12, 1), rowsOf(m, 12, 2, 0.5)]
    const expected = (await frechet(plainStatistics(a), plainStatistics(b))).value
    const [fromRows, mixed, notKept] = [
      await frechet(await featuresOf(a), await featuresOf(b)),
      await frechet(await featuresOf(a), plainStatistics(b)),
      await frechet(await featuresOf(a, 3), await featuresOf(b, 3)),
    ]
    for (const { value } of [fromRows, mixed, notKept]) expect(value / expected).toBeCloseTo(1, 6)
  })

  test('of a set and itself it is 0; a shift adds its square', async () => {
    const rows = rowsOf(8, 20, 5)
    const shifted = rows.map((row) => row.map((value) => value + 2))
    expect((await frechet(await featuresOf(rows), await featuresOf(rows))).value).toBeCloseTo(0, 9)
    expect((await frechet(await featuresOf(rows), await featuresOf(shifted))).value).toBeCloseTo(20 * 4, 4)
  })

  test('other widths, too few pictures, statistics that are none: coded errors', async () => {
    const [a, b] = [await featuresOf(rowsOf(4, 3, 1)), await featuresOf(rowsOf(4, 2, 1))]
    await expect(frechet(a, b)).rejects.toMatchObject({ code: 'SHAPE_INVALID', message: expect.stringMatching(/3.*2/) })
    await expect(frechet(a, await featuresOf(rowsOf(1, 3, 1)))).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
    const broken = { mean: Float64Array.of(1, 2, 3), covariance: new Float64Array(8) }
    await expect(frechet(a, broken)).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    const infinite = { mean: Float64Array.of(1, 2, Infinity), covariance: new Float64Array(9) }
    await expect(frechet(a, infinite)).rejects.toMatchObject({ code: 'WEIGHTS_NOT_FINITE' })
    for (const wrong of [7, null, {}, { mean: [1], covariance: [1] }])
      await expect(async () => frechet(a, wrong as never)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  })
})

function kernel(x: Float32Array, y: Float32Array): number {
  let product = 0
  for (let i = 0; i < x.length; i++) product += x[i]! * y[i]!
  return (product / x.length + 1) ** 3
}

function plainKernelDistance(a: Rows, b: Rows): number {
  function total(rows: Rows, others: Rows): number {
    let found = 0
    for (const x of rows) for (const y of others) if (x !== y) found += kernel(x, y)
    return found
  }
  const pairs = (rows: Rows) => total(rows, rows) / (rows.length * (rows.length - 1))
  return pairs(a) + pairs(b) - (2 * total(a, b)) / (a.length * b.length)
}

describe('kernel distance', () => {
  const distance = async (a: Rows, b: Rows, bootstraps = 0, seed = 1) =>
    finishMeasure(await addon.kernelDistance(await featuresOf(a), await featuresOf(b), { bootstraps, seed }))

  test.each([
    [20, 13, 6],
    [2, 2, 1],
    [1030, 3, 2],
  ])('of %i and %i pictures, all pairs', async (n, m, width) => {
    const [a, b] = [rowsOf(n, width, 1), rowsOf(m, width, 2, 0.3)]
    expect((await distance(a, b)).value).toBeCloseTo(plainKernelDistance(a, b), 5)
  })

  test('resamples follow their seed, and spread as distances of fresh sets do', async () => {
    const draw = (seed: number): [Rows, Rows] => [rowsOf(60, 4, seed), rowsOf(60, 4, seed + 1, 0.5)]
    const { value, bootstraps } = await distance(...draw(1), 200, 5)
    expect((await distance(...draw(1), 200, 5)).bootstraps).toEqual(bootstraps)
    expect((await distance(...draw(1), 200, 6)).bootstraps).not.toEqual(bootstraps)
    const fresh = Array.from({ length: 40 }, (_, i) => plainKernelDistance(...draw(10 + 2 * i)))
    const spread = (values: ArrayLike<number>) => Math.sqrt(mean(Array.from(values, (v) => (v - mean(values)) ** 2)))
    expect(bootstraps).toHaveLength(200)
    expect(Math.abs(mean(bootstraps) - value)).toBeLessThan(spread(bootstraps))
    expect(spread(bootstraps) / spread(fresh)).toBeGreaterThan(0.5)
    expect(spread(bootstraps) / spread(fresh)).toBeLessThan(2)
  })

  test('one picture, other widths, arguments that are missing: coded errors', async () => {
    await expect(distance(rowsOf(1, 3, 1), rowsOf(4, 3, 1))).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
    await expect(distance(rowsOf(4, 2, 1), rowsOf(4, 3, 1))).rejects.toMatchObject({ code: 'SHAPE_INVALID' })
    const features = await featuresOf(rowsOf(4, 3, 1))
    const wrong = addon as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
    for (const args of [[], [features], [features, features], [features, features, {}], [features, 7, {}]])
      await expect(async () => wrong.kernelDistance!(...args)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  })
})

function euclid(x: Float32Array, y: Float32Array): number {
  let square = 0
  for (let i = 0; i < x.length; i++) square += (x[i]! - y[i]!) ** 2
  return Math.sqrt(square)
}

function plainPrecisionRecall(real: Rows, fake: Rows, k: number) {
  const near = (rows: Rows) =>
    rows.map((x, i) =>
      rows
        .filter((_, j) => j !== i)
        .map((y) => euclid(x, y))
        .sort((p, q) => p - q),
    )
  const [reals, fakes] = [near(real), near(fake)]
  const distances = fake.map((x) => real.map((y) => euclid(x, y)))
  const nearest = distances.map((row) => row.indexOf(Math.min(...row)))
  const balls = distances.map((row) => row.filter((d, j) => d < reals[j]![k - 1]!).length)
  return {
    precise: balls.map((count) => Number(count > 0)),
    density: balls.map((count) => count / k),
    authentic: distances.map((row, i) => Number(row[nearest[i]!]! > reals[nearest[i]!]![0]!)),
    nearest,
    nearestDistance: distances.map((row) => Math.min(...row)),
    recalled: real.map((_, j) => Number(distances.some((row, i) => row[j]! < fakes[i]![k - 1]!))),
    covered: real.map((_, j) => Number(Math.min(...distances.map((row) => row[j]!)) < reals[j]![k - 1]!)),
  }
}

describe('precision and recall', () => {
  const measure = async (real: Rows, fake: Rows, k: number) =>
    finishMeasure(await addon.precisionRecall(await featuresOf(real), await featuresOf(fake), { k }))

  test.each([
    [30, 22, 3],
    [6, 6, 5],
    [1030, 12, 2],
  ])('of %i real and %i fake pictures, each one as a plain computation says', async (n, m, k) => {
    const [real, fake] = [rowsOf(n, 3, 1), rowsOf(m, 3, 2, 0.2)]
    const found = await measure(real, fake, k)
    for (const [name, expected] of Object.entries(plainPrecisionRecall(real, fake, k)))
      expectClose(found[name as keyof typeof found], expected, 1e-6)
  })

  test('copies are at distance 0 and not authentic', async () => {
    const real = rowsOf(20, 40, 1, 50)
    const { authentic, nearest, nearestDistance } = await measure(real, real.slice(3, 12), 3)
    expect([...nearestDistance]).toEqual(new Array(9).fill(0))
    expect([...nearest]).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11])
    expect(sum(authentic)).toBe(0)
  })

  test('as many pictures as k, or less: DATA_TOO_FEW', async () => {
    const rows = rowsOf(4, 3, 1)
    await expect(measure(rows, rowsOf(9, 3, 1), 4)).rejects.toMatchObject({ code: 'DATA_TOO_FEW' })
    await expect(measure(rows, rows, 0)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  })
})

describe('MIND', () => {
  const mind = async (a: Rows, b: Rows, seed = 2020, projections = 500) =>
    (await finishMeasure(await addon.mind(await featuresOf(a), await featuresOf(b), { projections, seed }))).value

  test('is 0 for equal sets, symmetric, and about 3 d s² for a shift of every feature by s', async () => {
    const rows = rowsOf(30, 16, 1)
    const shifted = rows.map((row) => row.map((value) => value + 0.5))
    expect(await mind(rows, rows.toReversed())).toBe(0)
    expect(await mind(rows, shifted)).toBe(await mind(shifted, rows))
    expect((await mind(rows, shifted)) / (3 * 16 * 0.25)).toBeCloseTo(1, 0)
  })

  test('of the larger set a part counts, that the seed decides about', async () => {
    const [a, b] = [rowsOf(30, 16, 1), rowsOf(9, 16, 2)]
    expect(await mind(a, b)).toBe(await mind(a, b))
    expect(await mind(a, b, 1)).not.toBe(await mind(a, b, 2))
    await expect(mind(a, b, 1, 0)).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
  })
})

describe('a measure', () => {
  test('says how far it is; a result before its end: NATIVE_FAILED; what is appended later does not count', async () => {
    const [a, b] = [await featuresOf(rowsOf(1100, 2, 1), 2000), await featuresOf(rowsOf(9, 2, 2), 2000)]
    const args = { bootstraps: 0, seed: 1 }
    const before = await finishMeasure(await addon.kernelDistance(a, b, args))
    const measure = await addon.kernelDistance(a, b, args)
    expect(await measure.progress()).toBe(0)
    expect(await measure.step()).toBe(false)
    expect(await measure.progress()).toBeGreaterThan(0)
    await expect(measure.result()).rejects.toMatchObject({ code: 'NATIVE_FAILED' })
    await b.append(Float32Array.of(100, 100))
    a.dispose()
    expect(await finishMeasure(measure)).toEqual(before)
  })
})
