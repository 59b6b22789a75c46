/** Tells whether a checkpoint folder holds every byte that was saved. */
import { access, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileError, ShinsakuError } from '../errors.ts'
import { isDamage, measure, parseJson, readText } from '../files/read.ts'
import {
  FORMAT_VERSION,
  formats,
  isIntact,
  type Manifest,
  type ManifestFiles,
  manifestFile,
  manifestSchema,
  positionOf,
  trainingFile,
} from './records.ts'

const hint = 'Load an earlier checkpoint; --resume takes the newest complete one by itself.'

/** It names three files. */
const MAX_MANIFEST_BYTES = 2 ** 16

export const damaged = (folder: string, problem: string, cause?: unknown): ShinsakuError =>
  new ShinsakuError('CHECKPOINT_INVALID', `Checkpoint ${folder} is damaged: ${problem}`, {
    cause,
    hint,
    details: { folder, problem },
  })

/** Turns "this file is missing or unreadable" into CHECKPOINT_INVALID and passes on every other failure. */
export function asDamage(folder: string): (error: unknown) => never {
  return (error) => {
    throw isDamage(error) ? damaged(folder, (error as Error).message, error) : error
  }
}

/** Reads and checks the manifest alone. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestFile)
  const text = await readText(path, MAX_MANIFEST_BYTES).catch(asDamage(folder))
  const format = /^\{\s*"format": (\d{1,6}),/.exec(text)?.[1]
  if (format !== undefined && Number(format) > FORMAT_VERSION) {
    throw new ShinsakuError(
      'CHECKPOINT_INVALID',
      `Checkpoint ${folder} has format ${format}, but this version of shinsaku reads formats up to ${FORMAT_VERSION}`,
      {
        hint: 'Update shinsaku.',
        details: { folder },
      },
    )
  }
  const manifest = parseJson(text, path, formats[Number(format)] ?? manifestSchema, 'CHECKPOINT_INVALID')
  if (!isIntact(manifest)) throw damaged(folder, `${manifestFile} does not match its own SHA-256`)
  const named = positionOf(basename(folder))
  if (named !== undefined && named !== manifest.images)
    throw damaged(folder, `${manifestFile} is that of a checkpoint at ${manifest.images} images`)
  return manifest
}

const entries = (manifest: Manifest) =>
  Object.entries(manifest.files) as [keyof ManifestFiles, ManifestFiles[keyof ManifestFiles]][]

/** Whether the manifest is intact and every file has its length: quick, but blind to flipped bits. */
export async function looksComplete(folder: string): Promise<boolean> {
  try {
    for (const [name, { bytes }] of entries(await readManifest(folder))) {
      if ((await stat(join(folder, name))).size !== bytes) return false
    }
    return true
  } catch {
    return false
  }
}

/** What a checkpoint is opened for: to sample, its weights are enough; to train on, all of it is needed. */
export type Need = 'all' | 'weights'

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/**
 * Checks every byte of a checkpoint. Where only its weights are needed, what only a resumed run needs may have been
 * taken away. Throws CHECKPOINT_INVALID that says what is damaged.
 */
export async function verifyCheckpoint(folder: string, need: Need = 'all'): Promise<Manifest> {
  const manifest = await readManifest(folder)
  for (const [name, expected] of entries(manifest)) {
    const path = join(folder, name)
    if (need === 'weights' && name === trainingFile && !(await isThere(path))) continue
    const { size } = await stat(path).catch((cause) => asDamage(folder)(fileError('read', path, cause)))
    if (size !== expected.bytes) throw damaged(folder, `${name} has ${size} bytes, but ${expected.bytes} were saved`)
    const { sha256 } = await measure(path).catch(asDamage(folder))
    if (sha256 !== expected.sha256) throw damaged(folder, `${name} does not have the SHA-256 of what was saved`)
  }
  return manifest
}
