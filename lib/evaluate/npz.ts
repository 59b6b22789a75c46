/** Statistics of features as pytorch-fid stores them: an .npz archive of the arrays `mu` and `sigma`. */
import { ShinsakuError } from '../errors.ts'
import { writeDurable } from '../files/write.ts'
import { makeZip, readZip } from '../files/zip.ts'
import type { FeatureStatistics } from '../native/evaluate.ts'

const MAGIC = Buffer.from('\x93NUMPY', 'latin1')
/** The header's length is a multiple of this, so that numbers begin where they may be read in place. */
const ALIGNMENT = 64
/** A covariance of 8192 features has less. */
const MAX_BYTES = 2 ** 30

const invalid = (path: string, problem: string, cause?: unknown) =>
  new ShinsakuError('STATISTICS_INVALID', `${path} holds no statistics of pytorch-fid: ${problem}`, { cause })

type Array64 = { shape: readonly number[]; values: Float64Array }

/** One array of a .npy file: float32 or float64, little-endian, in rows. */
function readNpy(path: string, name: string, bytes: Uint8Array): Array64 {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const fail = (problem: string): never => {
    throw invalid(path, `its array ${name} ${problem}`)
  }
  if (buffer.length < 12 || !buffer.subarray(0, 6).equals(MAGIC)) fail('is not in the format of NumPy')
  const long = buffer[6]! > 1
  const begin = long ? 12 : 10
  const end = begin + (long ? buffer.readUInt32LE(8) : buffer.readUInt16LE(8))
  if (end > buffer.length) fail('is cut short')
  const header = buffer.toString('latin1', begin, end)
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1]
  const shapeText = /'shape':\s*\(([\d,\s]*)\)/.exec(header)?.[1]
  if (shapeText === undefined || /'fortran_order':\s*True/.test(header))
    return fail('has a header that is not understood')
  if (type !== '<f8' && type !== '<f4') return fail(`is of type ${type ?? 'unknown'}, not of floating point`)
  const shape = shapeText
    .split(',')
    .filter((side) => side.trim() !== '')
    .map(Number)
  const count = shape.reduce((product, side) => product * side, 1)
  const itemBytes = type === '<f8' ? 8 : 4
  if (buffer.length - end !== count * itemBytes)
    fail(`should have ${count * itemBytes} bytes, but has ${buffer.length - end}`)
  const values = Float64Array.from({ length: count }, (_, i) =>
    itemBytes === 8 ? buffer.readDoubleLE(end + i * 8) : buffer.readFloatLE(end + i * 4),
  )
  if (!values.every(Number.isFinite)) fail('holds NaN or infinity')
  return { shape, values }
}

function writeNpy({ shape, values }: Array64): Uint8Array {
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`
  const padded = text.padEnd(Math.ceil((text.length + 11) / ALIGNMENT) * ALIGNMENT - 11)
  const head = Buffer.alloc(10)
  MAGIC.copy(head)
  head[6] = 1
  head.writeUInt16LE(padded.length + 1, 8)
  return Buffer.concat([
    head,
    Buffer.from(`${padded}\n`, 'latin1'),
    new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  ])
}

/** Reads `mu` [width] and `sigma` [width, width]. Rejects with STATISTICS_INVALID or FILE_FAILED. */
export async function readStatistics(path: string): Promise<FeatureStatistics> {
  const limits = { archiveBytes: MAX_BYTES, fileBytes: MAX_BYTES }
  const files = await readZip(path, (name) => name === 'mu.npy' || name === 'sigma.npy', limits)
  const [mu, sigma] = ['mu', 'sigma'].map((name) => {
    const bytes = files[`${name}.npy`]
    if (bytes === undefined) throw invalid(path, `it has no array ${name}`)
    return readNpy(path, name, bytes)
  }) as [Array64, Array64]
  const [width = 0, ...more] = mu.shape
  if (width < 1 || more.length > 0 || sigma.shape.length !== 2 || sigma.shape.some((side) => side !== width))
    throw invalid(path, `mu has the shape [${mu.shape}] and sigma [${sigma.shape}], not [n] and [n, n]`)
  return { mean: mu.values, covariance: sigma.values }
}

/** Writes statistics that pytorch-fid takes in place of a folder. */
export async function writeStatistics(path: string, { mean, covariance }: FeatureStatistics): Promise<void> {
  const width = mean.length
  const files = {
    'mu.npy': writeNpy({ shape: [width], values: mean }),
    'sigma.npy': writeNpy({ shape: [width, width], values: covariance }),
  }
  await writeDurable(path, await makeZip(files))
}
