/** Names the processor, as scripts/golden/cpu.py does: kernels, and with them last bits, depend on it. */
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
