/** Names the processor, as test/golden/make/goldens.py does: kernels, and with them last bits, depend on it. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** Vendor, family/model/stepping, cache, and a digest of the flags. */
export function cpuName(): string {
  const first = readFileSync('/proc/cpuinfo', 'utf8').split('\n\n')[0]!
  const fields = new Map(
    first.split('\n').map((line) => line.split(':').map((part) => part.trim()) as [string, string]),
  )
  const field = (name: string) => fields.get(name) ?? ''
  const flags = createHash('sha256').update(field('flags').split(' ').sort().join(' ')).digest('hex').slice(0, 12)
  const version = `${field('cpu family')}/${field('model')}/${field('stepping')}`
  return [field('vendor_id'), version, field('cache size'), flags].join(' ')
}

/** Golden numbers whose last bits are those of one kind of processor. */
export type Made = { readonly cpu: { readonly name: string; readonly capability: string; readonly threads: number } }

export type Golden<T extends Made> = {
  readonly bits: T
  /** Whether they were made on this kind of processor: then every bit must be equal, and else a bound is held. */
  readonly exact: boolean
  /** Which of the two, for the title of a test. */
  readonly promise: string
}

/** Of numbers made on several processors those of this one, where `capability` is what libtorch makes of it; else the first. */
export function goldenHere<T extends Made>(made: readonly T[], capability: string): Golden<T> {
  const here = cpuName()
  const own = made.find(({ cpu }) => cpu.name === here && cpu.capability === capability)
  if (own) return { bits: own, exact: true, promise: 'to the bit' }
  const others = made.map(({ cpu }) => `${cpu.name} ${cpu.capability}`).join(' and ')
  return { bits: made[0]!, exact: false, promise: `within bounds, as bits are known of ${others} only` }
}
