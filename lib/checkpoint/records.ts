/** What a checkpoint folder holds: its name, its files, and the forms of its JSON records. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { toJson, type Written } from '../files/write.ts'

/** Raised when a checkpoint of the new form cannot be read by the old code; test/fixtures keeps one of each. */
export const FORMAT_VERSION = 2

export const checkpointsFolder = (run: string): string => join(run, 'checkpoints')

/** `128` → `000000128`: names sort as their numbers do. */
export const positionName = (images: number): string => String(images).padStart(9, '0')

/** The number in a checkpoint folder's name; undefined for any other name. */
export function positionOf(name: string): number | undefined {
  const images = /^\d{9,16}$/.test(name) ? Number(name) : Number.NaN
  return Number.isSafeInteger(images) && positionName(images) === name ? images : undefined
}

export const modelFile = 'model.safetensors'
export const trainingFile = 'optimizer.safetensors'
export const stateFile = 'state.json'
export const manifestFile = 'manifest.json'

const counter = z.int().min(0)

/** Where a run stood when it was saved. */
export const stateSchema = z.strictObject({
  images: counter,
  updates: counter,
  epoch: counter,
  elapsedSeconds: z.number().min(0),
  /** Sums of the metrics since the last line of metrics.jsonl. */
  pending: z.strictObject({ count: counter, sums: z.record(z.string(), z.number()) }),
})
export type CheckpointState = z.infer<typeof stateSchema>

/** Of latest.json, a hint for people. */
export const latestSchema = z.looseObject({ images: counter })

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const written = z.strictObject({ bytes: counter, sha256 })

/** What was trained with what: digests of the complete options and of dataset.json; null for pictures never seen here. */
const originSchema = z.strictObject({ options: sha256, pictures: sha256.nullable() })
export type Origin = z.infer<typeof originSchema>

const files = z.strictObject({ [modelFile]: written, [trainingFile]: written, [stateFile]: written })
/** SHA-256 of the other fields, so that a damaged manifest shows. */
const ownDigest = z.string()

const manifest1 = z.strictObject({
  format: z.literal(1),
  shinsaku: z.string(),
  images: counter,
  files,
  sha256: ownDigest,
})

export const manifestSchema = z.strictObject({
  format: z.literal(FORMAT_VERSION),
  shinsaku: z.string(),
  images: counter,
  origin: originSchema,
  files,
  sha256: ownDigest,
})
export type Manifest = z.infer<typeof manifest1> | z.infer<typeof manifestSchema>

/** How the manifest of each version of the format is read. */
export const formats: Readonly<Record<number, z.ZodType<Manifest>>> = { 1: manifest1, [FORMAT_VERSION]: manifestSchema }
export type ManifestFiles = Manifest['files']

/** Of the options as they are in config.json. */
export const optionsDigest = (options: object): string =>
  createHash('sha256').update(JSON.stringify(options)).digest('hex')

const digest = (fields: Omit<Manifest, 'sha256'>): string => createHash('sha256').update(toJson(fields)).digest('hex')

export function makeManifest(
  shinsaku: string,
  images: number,
  origin: Origin,
  files: { [K in keyof ManifestFiles]: Written },
): Manifest {
  const fields = { format: FORMAT_VERSION, shinsaku, images, origin, files } as const
  return { ...fields, sha256: digest(fields) }
}

/** Whether a manifest holds what was written into it. */
export function isIntact({ sha256, ...fields }: Manifest): boolean {
  return digest(fields) === sha256
}
