/** The two forms of a file that torch.save writes: a zip file (since 1.6) and, before, a stream of pickles and storages. */
import { crc32 } from 'node:zlib'
import { Budget } from '../files/budget.ts'
import { type OpenFile, readFully } from '../files/read.ts'
import { invalid, refused } from './failures.ts'
import { storageOf } from './globals.ts'
import { type PickleContext, Unpickler } from './pickle.ts'
import { Dict, List, type Storage, type Value } from './values.ts'
import { dataBegin, readZipDirectory, type ZipEntry } from './zip.ts'

/** What a file holds, and where the elements of its storages lie. */
export type Container = {
  root: Value
  /** Where the elements of a storage begin in the file. Throws PYTORCH_INVALID where they are damaged. */
  locate(storage: Storage): Promise<number>
}

const MAX_PICKLE_BYTES = 16 * 2 ** 20
const PIECE_BYTES = 2 ** 20
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn
const LEGACY_PROTOCOL = 1001

/** Storages by their key; two that share a key must be the same. */
class Storages {
  readonly #byKey = new Map<string, Storage>()
  readonly #fail: (problem: string) => never

  constructor(fail: (problem: string) => never) {
    this.#fail = fail
  }

  add(id: Value | undefined): Storage {
    const storage = storageOf(id, this.#fail)
    const known = this.#byKey.get(storage.key)
    if (known && (known.dtype !== storage.dtype || known.elements !== storage.elements))
      this.#fail(`its storage ${JSON.stringify(storage.key)} is described in two ways`)
    if (!known) this.#byKey.set(storage.key, storage)
    return known ?? storage
  }

  get(key: string): Storage | undefined {
    return this.#byKey.get(key)
  }

  all(): Storage[] {
    return [...this.#byKey.values()]
  }
}

function contextOf(path: string, budget: Budget, fail: (problem: string) => never, storages: Storages): PickleContext {
  return {
    fail,
    refuse: (name) => {
      throw refused(path, name)
    },
    spend: (bytes) => budget.spend(bytes),
    storage: (id) => storages.add(id),
  }
}

async function readBytes(file: OpenFile, begin: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  if (!(await readFully(file, bytes, begin))) throw invalid(file.path, 'it became shorter while it was read')
  return bytes
}

/** The folder that everything lies in, named by where data.pkl is. */
function folderOf(entries: ReadonlyMap<string, ZipEntry>, fail: (problem: string) => never): string {
  const [pickle, ...more] = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  if (pickle === undefined || more.length > 0)
    return fail('it is a zip file, but not one that torch.save wrote: data.pkl was expected once')
  const folder = pickle.slice(0, -'data.pkl'.length)
  const stranger = [...entries.keys()].find((name) => !name.startsWith(folder))
  if (stranger !== undefined) fail(`its entry ${JSON.stringify(stranger)} lies outside of ${folder}`)
  const script = [...entries.keys()].find(
    (name) => name === `${folder}constants.pkl` || name.startsWith(`${folder}code/`),
  )
  if (script !== undefined) fail(`it is a TorchScript program, not a checkpoint: it has ${script}`)
  return folder
}

/** Opens the zip form. */
export async function openZip(file: OpenFile): Promise<Container> {
  const fail = (problem: string): never => {
    throw invalid(file.path, problem)
  }
  const budget = new Budget(file.bytes, fail)
  const entries = await readZipDirectory(file, budget)
  const folder = folderOf(entries, fail)
  const contentOf = async (name: string, most: number): Promise<Uint8Array | undefined> => {
    const entry = entries.get(folder + name)
    if (!entry) return undefined
    if (entry.bytes > most) fail(`its ${name} has ${entry.bytes} bytes; at most ${most} are read`)
    const content = await readBytes(file, await dataBegin(file, entry), entry.bytes)
    if (crc32(content) !== entry.crc) fail(`its ${name} does not have the checksum that was written`)
    return content
  }
  const order = await contentOf('byteorder', 16)
  if (order && Buffer.from(order).toString('latin1') !== 'little') fail('its numbers are not little-endian')
  const storages = new Storages(fail)
  const pickle = (await contentOf('data.pkl', MAX_PICKLE_BYTES))!
  const unpickler = new Unpickler(pickle, 0, contextOf(file.path, budget, fail, storages))
  const root = unpickler.read()
  if (unpickler.end !== pickle.length) fail('something follows its pickle')
  for (const { key, bytes } of storages.all()) {
    const entry = entries.get(`${folder}data/${key}`)
    if (entry?.bytes !== bytes)
      fail(
        `its storage ${JSON.stringify(key)} should have ${bytes} bytes, but ${entry ? `has ${entry.bytes}` : 'is missing'}`,
      )
  }
  const begins = new Map<string, number>()
  return {
    root,
    // Every storage that is used is checked once.
    async locate({ key }) {
      const known = begins.get(key)
      if (known !== undefined) return known
      const entry = entries.get(`${folder}data/${key}`)!
      const begin = await dataBegin(file, entry)
      await requireChecksum(file, begin, entry)
      begins.set(key, begin)
      return begin
    },
  }
}

async function requireChecksum(file: OpenFile, begin: number, { name, bytes, crc }: ZipEntry): Promise<void> {
  let sum = 0
  for (let done = 0; done < bytes; done += PIECE_BYTES)
    sum = crc32(await readBytes(file, begin + done, Math.min(PIECE_BYTES, bytes - done)), sum)
  if (sum !== crc) throw invalid(file.path, `its entry ${name} does not have the checksum that was written`)
}

/** Whether a file begins as the stream does: the pickled magic number. */
export const isLegacy = (head: Buffer): boolean =>
  head.subarray(0, 15).equals(Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex'))

/** Opens the stream: magic, protocol, system, the object, the storages' keys; then each storage's length and elements. */
export async function openLegacy(file: OpenFile): Promise<Container> {
  const fail = (problem: string): never => {
    throw invalid(file.path, problem)
  }
  const storages = new Storages(fail)
  const context = contextOf(file.path, new Budget(file.bytes, fail), fail, storages)
  const bytes = await readBytes(file, 0, Math.min(file.bytes, MAX_PICKLE_BYTES))
  let at = 0
  const next = (): Value => {
    const unpickler = new Unpickler(bytes, at, context)
    const value = unpickler.read()
    at = unpickler.end
    return value
  }
  if (next() !== LEGACY_MAGIC || next() !== LEGACY_PROTOCOL) fail('its protocol is not 1001')
  const system = next()
  if (!(system instanceof Dict) || system.get('little_endian') !== true) fail('its numbers are not little-endian')
  const root = next()
  const keys = next()
  if (!(keys instanceof List)) return fail('it has no list of storages')
  const begins = await placeStorages(file, at, keys.items, storages, fail)
  return { root, locate: async ({ key }) => begins.get(key) ?? fail(`its storage ${JSON.stringify(key)} is missing`) }
}

/** Where the elements of each storage begin. */
async function placeStorages(
  file: OpenFile,
  begin: number,
  keys: readonly Value[],
  storages: Storages,
  fail: (problem: string) => never,
): Promise<Map<string, number>> {
  const begins = new Map<string, number>()
  let at = begin
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (!storage || begins.has(storage.key))
      return fail(`its storage ${JSON.stringify(String(key))} is not used, or listed twice`)
    if (at + 8 > file.bytes) return fail('it ends before its storages do')
    const stated = Buffer.from(await readBytes(file, at, 8)).readBigInt64LE()
    at += 8
    if (stated !== BigInt(storage.elements) || at + storage.bytes > file.bytes)
      return fail(
        `its storage ${JSON.stringify(storage.key)} should have ${storage.elements} elements, but has ${stated} or is cut short`,
      )
    begins.set(storage.key, at)
    at += storage.bytes
  }
  if (at !== file.bytes) return fail(`${file.bytes - at} bytes follow its last storage`)
  return begins
}
