/** Small wheels of a libtorch, and Pythons that fetch them or fail to. */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import { vi } from 'vitest'
import { torchVersion, type Wheel } from '../../lib/libtorch/wheels.ts'
import { temporaryFolder } from './folder.ts'

type Files = Record<string, string>

/** A zip archive without compression. */
function zip(files: Files): Buffer {
  const bodies: Buffer[] = []
  const index: Buffer[] = []
  let offset = 0
  for (const [path, text] of Object.entries(files)) {
    const [name, body] = [Buffer.from(path), Buffer.from(text)]
    // Version, flags, method, time, date (1980-01-01), checksum, sizes, length of the name, of the extra field.
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(33, 8)
    common.writeUInt32LE(crc32(body), 10)
    common.writeUInt32LE(body.length, 14)
    common.writeUInt32LE(body.length, 18)
    common.writeUInt16LE(name.length, 22)
    const rest = Buffer.alloc(14)
    rest.writeUInt32LE(offset, 10)
    bodies.push(Buffer.from('PK\x03\x04'), common, name, body)
    index.push(Buffer.from('PK\x01\x02\x14\x00'), common, rest, name)
    offset += 30 + name.length + body.length
  }
  const directory = Buffer.concat(index)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06')
  end.writeUInt16LE(Object.keys(files).length, 8)
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...bodies, directory, end])
}

/** What a wheel of torch holds, as far as it matters here. */
export const torchFiles: Files = {
  'torch/lib/libc10.so': 'c10',
  'torch/lib/libtorch_cpu.so': 'cpu',
  'torch/lib/libtorch_cuda.so': 'cuda',
  'torch/include/c10.h': '// c10',
  'torch/version.py': `__version__ = '${torchVersion}+cpu'\n`,
  'torch/nn/modules.py': 'pass',
}

const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }

/** Puts a wheel for a processor into `folder`; resolves with how it is pinned. */
export function makeWheel(
  folder: string,
  name: string,
  version: string,
  files: Files,
  arch: string = process.arch,
): Wheel {
  const tag = `cp311-cp311-manylinux_2_28_${machines[arch]}`
  const stem = `${name.replaceAll('-', '_')}-${version}`
  const bytes = zip({
    ...files,
    [`${stem}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${stem}.dist-info/WHEEL`]: `Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: ${tag}\n`,
    [`${stem}.dist-info/RECORD`]: '',
    [`${stem}.dist-info/licenses/LICENSE`]: 'free',
  })
  writeFileSync(join(folder, `${stem}-${tag}.whl`), bytes)
  const [, local] = version.split('+')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { name, version: version.split('+')[0]!, files: [{ sha256, bytes: bytes.length, ...(local && { local }) }] }
}

/** No libtorch anywhere but in an empty cache, and a pip that looks for wheels in `wheels` only. */
export function emptyMachine(): { cache: string; libtorch: string; wheels: string } {
  const folder = temporaryFolder()
  const [cache, wheels] = [join(folder, 'cache'), join(folder, 'wheels')]
  mkdirSync(wheels)
  for (const name of ['LIBTORCH', 'LIBTORCH_LIB', 'LIBTORCH_INCLUDE', 'LIBTORCH_USE_PYTORCH', 'SHINSAKU_PYTHON'])
    vi.stubEnv(name, undefined)
  for (const name of ['LIBTORCH_BYPASS_VERSION_CHECK', 'SHINSAKU_OFFLINE', 'SHINSAKU_FETCH', 'SHINSAKU_DEVICE'])
    vi.stubEnv(name, undefined)
  vi.stubEnv('SHINSAKU_CACHE', cache)
  vi.stubEnv('PIP_CONFIG_FILE', '/dev/null')
  vi.stubEnv('PIP_DISABLE_PIP_VERSION_CHECK', '1')
  vi.stubEnv('PIP_NO_INDEX', '1')
  vi.stubEnv('PIP_FIND_LINKS', wheels)
  return { cache, libtorch: join(cache, 'libtorch'), wheels }
}

/**
 * Makes SHINSAKU_PYTHON a Python whose `pip download` is the shell commands given, with `$folder` to fill and
 * `$wheel`, the name of what is asked for. `unpack` are those in place of taking wheels apart.
 */
export function fakeDownload(commands: string, version = 'exit 0', unpack = 'exec python3 "$@"'): void {
  const path = join(temporaryFolder(), 'python')
  const script = `#!/bin/sh
case "$*" in
  "-m pip --version") ${version} ;;
  "-m pip download"*)
    while [ "$1" != -d ]; do shift; done
    folder=$2
    wheel=$(sed 's/=.*//' "$4")
    ${commands}
    ;;
  *) ${unpack} ;;
esac
`
  writeFileSync(path, script, { mode: 0o755 })
  vi.stubEnv('SHINSAKU_PYTHON', path)
}

/** An unpacked libtorch with the given files in it, such as `lib/libc10.so`. */
export function unpacked(files: Files): string {
  const root = temporaryFolder()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

/** The files that a libtorch for CPUs is known by. */
export const libtorchFiles = (version = torchVersion): Files => ({
  'lib/libc10.so': 'c10',
  'lib/libtorch_cpu.so': 'cpu',
  'build-version': `${version}+cpu\n`,
})
