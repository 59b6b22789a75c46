/** Pictures that the cache has in other sets: a set that differs from one of them by a few decodes only those. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { PixelSettings } from '../images/decode.ts'
import { removeSet } from './cache-folder.ts'
import { type Decoding, indicesOf } from './outcome.ts'
import { cachePrefix, EXTENSION, openPixels, readOutcomes } from './pixel-cache.ts'
import { type PixelStore, rowBytes } from './pixel-store.ts'

/** A row of an open store. */
export type RowPlace = { store: PixelStore; row: number }

export type Take = (index: number, decoding: Decoding, place: RowPlace) => void

/** What is read at one time. */
const PIECE_BYTES = 1 << 22

/** A set of the cache, and how many pictures of the wanted it has. */
type Candidate = { path: string; contents: string[] }

export class OtherSets {
  readonly #folder: string
  readonly #settings: PixelSettings
  readonly #stores: PixelStore[] = []
  /** Sets that hold nothing but pictures of the wanted set. */
  readonly #contained: string[] = []

  constructor(folder: string, settings: PixelSettings) {
    this.#folder = folder
    this.#settings = settings
  }

  async #candidates(): Promise<Candidate[]> {
    const prefix = await cachePrefix(this.#settings)
    const candidates: Candidate[] = []
    for (const name of await readdir(this.#folder).catch(() => [])) {
      if (!name.startsWith(prefix) || !name.endsWith(EXTENSION)) continue
      const path = join(this.#folder, name)
      const outcomes = await readOutcomes(path)
      if (outcomes) candidates.push({ path, contents: outcomes.contents })
    }
    return candidates
  }

  /** Calls `take` for each of the items that another set has, known by their contents. */
  async recall(contents: readonly string[], take: Take): Promise<void> {
    const missing = indicesOf(contents)
    const wanted = new Set(contents)
    let candidates = await this.#candidates()
    while (missing.size > 0) {
      const scored = candidates.map((candidate) => ({
        candidate,
        has: candidate.contents.filter((content) => missing.has(content)).length,
      }))
      const best = scored.sort((a, b) => b.has - a.has)[0]
      if (!best || best.has === 0) return
      candidates = candidates.filter((other) => other !== best.candidate)
      const { path, contents: held } = best.candidate
      if ((await this.#recallFrom(path, missing, take)) && held.every((content) => wanted.has(content)))
        this.#contained.push(path)
    }
  }

  /** Takes what is missing from one set; false where it is not whole. */
  async #recallFrom(path: string, missing: Map<string, number[]>, take: Take): Promise<boolean> {
    const stored = await openPixels(path, this.#settings, 'file')
    if (!stored) return false
    const { outcomes, store } = stored
    this.#stores.push(store)
    let row = 0
    let piece: { content: string; outcome: Decoding['outcome']; row: number }[] = []
    const most = Math.max(1, Math.floor(PIECE_BYTES / rowBytes(store)))
    const takePiece = async () => {
      const bytes = rowBytes(store)
      const pixels = await store.read(piece.map((one) => one.row)).catch(() => null)
      if (!pixels) return false
      for (const [i, { content, outcome, row }] of piece.entries()) {
        const decoding = { outcome, pixels: pixels.subarray(i * bytes, (i + 1) * bytes) }
        for (const index of missing.get(content) ?? []) take(index, decoding, { store, row })
        missing.delete(content)
      }
      piece = []
      return true
    }
    for (const [index, content] of outcomes.contents.entries()) {
      const broken = !outcomes.hasPixels(index)
      if (missing.has(content)) {
        if (broken) {
          const decoding = { outcome: outcomes.get(index), pixels: new Uint8Array(0) }
          for (const index of missing.get(content)!) take(index, decoding, { store, row: -1 })
          missing.delete(content)
        } else piece.push({ content, outcome: outcomes.get(index), row })
      }
      if (!broken) row += 1
      if (piece.length >= most && !(await takePiece())) return false
    }
    return takePiece()
  }

  /** Nothing may be read any more from the places that were taken. */
  async close(): Promise<void> {
    for (const store of this.#stores) await store.close()
  }

  /** Removes the sets whose every picture is in the new one: what was made of it once can be again, without decoding. */
  async removeContained(): Promise<void> {
    for (const path of this.#contained) await removeSet(path).catch(() => {})
  }
}
