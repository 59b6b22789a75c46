/** For which processor a shared library was built: what its ELF header says. */
import { closeSync, openSync, readSync } from 'node:fs'
import type { Architecture } from '../system/platform.ts'

/** `e_machine` of the header, and Node's name. */
const machines: Readonly<Record<number, Architecture>> = { 62: 'x64', 183: 'arm64' }

/** Undefined where it is no ELF file, or for a processor not known here. */
export function elfArchitecture(path: string): Architecture | undefined {
  const header = Buffer.alloc(20)
  const file = openSync(path, 'r')
  try {
    readSync(file, header, 0, header.length, 0)
  } finally {
    closeSync(file)
  }
  return header.subarray(0, 4).equals(Buffer.from('\x7fELF')) ? machines[header.readUInt16LE(18)] : undefined
}
