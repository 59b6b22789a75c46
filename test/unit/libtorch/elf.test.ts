import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { elfArchitecture } from '../../../lib/libtorch/elf.ts'
import { elfFor } from '../../helpers/elf.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const fileOf = (bytes: Buffer | string): string => {
  const path = join(temporaryFolder(), 'libx.so')
  writeFileSync(path, bytes)
  return path
}

test('a program of this machine is for its processor', () =>
  expect(elfArchitecture(process.execPath)).toBe(process.arch))

test.each(['x64', 'arm64'] as const)('%s', (arch) => expect(elfArchitecture(fileOf(elfFor(arch)))).toBe(arch))

test.each([
  ['no ELF file', 'INPUT(libtorch.so.2)'],
  ['an empty file', ''],
  ['a header that is cut', elfFor('arm64').subarray(0, 10)],
  ['a processor not known here', elfFor('riscv64')],
])('%s says nothing', (_, bytes) => expect(elfArchitecture(fileOf(bytes))).toBeUndefined())
