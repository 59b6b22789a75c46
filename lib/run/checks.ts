/** Checks one file or folder of a run each: whether it is as it was written. */
import { isUtf8 } from 'node:buffer'
import { readCheckpoint } from '../checkpoint/read.ts'
import { latestSchema } from '../checkpoint/records.ts'
import { digestOf } from '../data/manifest.ts'
import { type ErrorCode, ShinsakuError } from '../errors.ts'
import { readAnyJson, readJson } from '../files/read.ts'
import { decodePicture, readBytes } from '../images/decode.ts'
import { resolveTrain } from '../options/resolve.ts'
import type { AnyTrainOptions } from '../options/types.ts'
import { readDatasetFiles, readDatasetRecord } from './dataset-record.ts'
import { readConfig } from './directory.ts'
import { scanEvents } from './event-reader.ts'
import { isGuardLine } from './guard-records.ts'
import { imagesOf, linesIn, readLines } from './metrics.ts'

export type Finding = {
  /** "note": nothing is lost, but something is worth knowing, such as a line that a kill cut short. */
  state: 'whole' | 'note' | 'damaged'
  /** What it holds, or what is wrong with it. */
  detail: string
}

const whole = (detail: string): Finding => ({ state: 'whole', detail })
export const note = (detail: string): Finding => ({ state: 'note', detail })
const damage = (detail: string): Finding => ({ state: 'damaged', detail })

/** Errors that say something about the file that was read. */
const findings: readonly ErrorCode[] = [
  'CHECKPOINT_INVALID',
  'IMAGE_UNREADABLE',
  'OPTION_INVALID',
  'RUN_INVALID',
  'SAFETENSORS_INVALID',
]

/** Failures to read that say something about this process or its rights. */
const ofThisProcess = new Set(['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOMEM'])

/** What `work` finds; an error about the file is damage. */
export async function found(work: () => Promise<Finding>): Promise<Finding> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ShinsakuError)) throw error
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException
    if (error.code === 'FILE_FAILED' && !ofThisProcess.has(code ?? '')) return damage(error.message)
    if (findings.includes(error.code)) return damage(error.message)
    throw error
  }
}

export async function checkConfig(run: string): Promise<Finding> {
  const { model, size } = resolveTrain((await readConfig(run)) as AnyTrainOptions)
  return whole(`${model}, ${size} pixels`)
}

export async function checkDataset(path: string): Promise<Finding> {
  const { digest, count, heldOutDigest } = await readDatasetRecord(path)
  const { files, heldOut } = await readDatasetFiles(path)
  if (files.length !== count) return damage(`it lists ${files.length} files, but says ${count}`)
  if (digestOf(files) !== digest) return damage('its digest is not that of its files')
  if ((heldOut.length === 0 ? null : digestOf(heldOut)) !== heldOutDigest)
    return damage('its digest of the pictures held out is not that of theirs')
  return whole(`${count} pictures${heldOut.length > 0 ? `, and ${heldOut.length} held out` : ''}`)
}

export async function checkMetrics(path: string): Promise<Finding> {
  const bytes = await readLines(path)
  let [lines, last] = [0, 0]
  for (const { begin, end, whole: ended } of linesIn(bytes)) {
    if (!ended) return note('its last line is cut short; a resumed run takes it off')
    lines += 1
    const images = imagesOf(bytes.subarray(begin, end - 1))
    if (images === undefined) return damage(`line ${lines} is no line of metrics`)
    // The copy guard looks after the line that a checkpoint ends with.
    const mayRepeat = isGuardLine(bytes.subarray(begin, end - 1))
    if (images < last || (images === last && !mayRepeat))
      return damage(`line ${lines} goes back from ${last} to ${images} images`)
    last = images
  }
  return whole(`${lines} lines`)
}

export async function checkEvents(path: string): Promise<Finding> {
  const { records, problem, cut } = await scanEvents(path)
  if (problem === undefined) return whole(`${records} records`)
  return cut ? note(`${problem}; a resumed run takes it off`) : damage(problem)
}

const anyPicture = { size: 8, channels: 4, background: '#ffffff', fit: 'stretch', crop: 'centre' } as const

export async function checkPicture(path: string): Promise<Finding> {
  const settings = { ...anyPicture, maxPixels: 2 ** 30, takeOwn: true as const }
  const { width, height } = await decodePicture(await readBytes(path), path, settings)
  return whole(`${width}x${height} pixels`)
}

export async function checkCheckpoint(folder: string): Promise<Finding> {
  const { manifest, model, training, close } = await readCheckpoint(folder)
  await close()
  const bytes = Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0)
  return whole(`${model.tensors.length + training.tensors.length} tensors, ${bytes} bytes`)
}

export async function checkText(path: string): Promise<Finding> {
  const bytes = await readLines(path)
  if (!isUtf8(bytes)) return damage(`${path} is not UTF-8`)
  let lines = 0
  for (const { whole: ended } of linesIn(bytes)) if (ended) lines += 1
  return whole(`${lines} lines`)
}

export async function checkJson(path: string): Promise<Finding> {
  await readAnyJson(path)
  return whole('JSON')
}

/** A hint only, so that a wrong one is worth no more than a note. */
export async function checkLatest(path: string, positions: readonly number[]): Promise<Finding> {
  const newest = positions.at(-1)
  const { state, detail } = await found(async () => {
    const { images } = await readJson(path, latestSchema)
    return images === newest ? whole(`${images} images`) : note(`it names ${images}, but the newest is ${newest}`)
  })
  return state === 'damaged' ? note(`${detail}; nothing relies on it`) : { state, detail }
}
