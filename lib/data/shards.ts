/** Pictures in tar archives, as WebDataset has them: read where they lie, with the texts of their samples beside them. */
import { basename, dirname, relative } from 'node:path'
import { throwIfAny } from '../errors.ts'
import type { Part } from '../files/read.ts'
import { withPatience } from '../files/shortage.ts'
import { archiveInvalid, readTar, type TarMember } from '../files/tar.ts'
import { extensionOf, type Found, isPictureName } from './folder.ts'
import type { Filed } from './outcome.ts'
import { forEachIndex } from './pool.ts'

/** Extensions of texts that labels are read from. */
const texts = new Set(['txt', 'cls', 'json'])

const MAX_SHARDS = 100_000

export const isArchive = (path: string): boolean => extensionOf(path) === 'tar'

const range = /\{(\d{1,9})\.\.(\d{1,9})\}/

/** The archives that "shards/{000..123}.tar" stands for; a name without a range for itself. Throws OPTION_INVALID. */
export function namesOfShards(pattern: string): string[] {
  const match = range.exec(pattern)
  if (!match) return [pattern]
  const [whole, first, last] = match as unknown as [string, string, string]
  const [from, to] = [Number(first), Number(last)]
  if (from > to || to - from >= MAX_SHARDS)
    throwIfAny([
      {
        path: 'data',
        message: `expected a range that goes up, of at most ${MAX_SHARDS} archives, such as {000..123}, but got ${whole}`,
      },
    ])
  const digits = first.length === last.length ? first.length : 0
  return Array.from({ length: to - from + 1 }, (_, i) => pattern.replace(whole, String(from + i).padStart(digits, '0')))
}

type Shard = Omit<Found, 'items'> & { items: ({ path: string } & Required<Filed>)[] }

/** The key by which WebDataset knows a sample: the name to its first dot. */
function keyOf(name: string): string {
  const folder = dirname(name)
  const key = basename(name).split('.')[0]!
  return folder === '.' ? key : `${folder}/${key}`
}

const stemOf = (name: string): string => name.slice(0, name.length - extensionOf(name).length - 1)

/** Why a member is not used; undefined for a file that may be. */
function refusal({ name, kind }: TarMember): string | undefined {
  if (name.startsWith('/') || name.split('/').includes('..')) return 'its name leads out of the archive'
  if (kind === 'link') return 'a link, which is not followed'
  return kind === 'other' ? 'not a regular file' : undefined
}

const isHidden = (name: string): boolean => name.split('/').some((part) => part.startsWith('.'))

/** The pictures of one archive, in its order, named by `prefix` and their names in it. */
async function openShard(file: string, prefix: string): Promise<Shard> {
  const shard: Shard = { items: [], skipped: [], ignored: {} }
  const names = new Set<string>()
  const beside = new Map<string, Record<string, Part>>()
  const ignored = new Map<string, number>()
  for await (const member of readTar(file)) {
    const { offset, bytes } = member
    const name = member.name.replace(/^(\.\/+)+/, '')
    if (member.kind === 'folder' || name === '') continue
    if (names.has(name)) throw archiveInvalid(file, name, 'is in it twice')
    names.add(name)
    const extension = extensionOf(name)
    const reason = refusal({ ...member, name })
    const path = `${prefix}/${name}`
    if (isHidden(name) && reason === undefined) continue
    if (isPictureName(name) && reason !== undefined) shard.skipped.push({ path, reason })
    else if (isPictureName(name)) shard.items.push({ path, file, member: { name, offset, bytes, beside: {} } })
    else ignored.set(extension, (ignored.get(extension) ?? 0) + 1)
    if (texts.has(extension) && reason === undefined)
      beside.set(stemOf(name), { ...beside.get(stemOf(name)), [extension]: { offset, bytes } })
  }
  // Texts may follow their picture.
  for (const item of shard.items) {
    const { name } = item.member
    const found = beside.get(stemOf(name)) ?? beside.get(keyOf(name))
    if (found) item.member = { ...item.member, beside: found }
  }
  return { ...shard, ignored: Object.fromEntries(ignored) }
}

/** The pictures of these archives, one after the other; `root` is a folder they are all in. Rejects with ARCHIVE_INVALID, FILE_FAILED. */
export async function openShards(root: string, files: readonly string[]): Promise<Shard> {
  const shards = new Array<Shard>(files.length)
  await forEachIndex(files.length, undefined, async (index) => {
    const file = files[index]!
    shards[index] = await withPatience(file, () => openShard(file, relative(root, file)))
  })
  const ignored = new Map<string, number>()
  for (const shard of shards)
    for (const [extension, count] of Object.entries(shard.ignored))
      ignored.set(extension, (ignored.get(extension) ?? 0) + count)
  return {
    items: shards.flatMap(({ items }) => items),
    skipped: shards.flatMap(({ skipped }) => skipped),
    ignored: Object.fromEntries(ignored),
  }
}
