/** Takes out of the wheels what is needed to load libtorch and to build against it. */
import type { Libtorch } from './find.ts'
import { fetchFailed, type Listeners, run } from './pip.ts'

// Libraries that only Python or the tests of torch load, and those that a CPU has no use for.
const python = 'libtorch_python|libshm|libaoti_custom_ops|libbackend_with_compiler|libjitbackend_test|libtorchbind_test'
const gpu = 'libtorch_cuda|libcaffe2_nvrtc|libtorch_nvshmem'

const needed = (without: string): string =>
  `^(torch/(lib/(?!${without})[^/]*\\.so[^/]*|include/.*|version\\.py)|nvidia/.*/lib/[^/]*\\.so[^/]*|[^/]+\\.dist-info/.*(LICENSE|License).*)$`

const keep = { cpu: needed(`${python}|${gpu}`), cuda: needed(python) } as const

// Libraries reach the disk before the folder gets its name; a power cut must not leave an empty one that looks whole.
const script = `
import os, re, sys, zipfile
target, keep, wheels = sys.argv[1], re.compile(sys.argv[2]), sys.argv[3:]
for wheel in wheels:
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            name = member.filename
            if member.is_dir() or not keep.match(name):
                continue
            if name.startswith('/') or '..' in name.split('/'):
                sys.exit('unsafe path in ' + os.path.basename(wheel) + ': ' + name)
            path = archive.extract(member, target)
            if '.so' in os.path.basename(path):
                with open(path, 'rb+') as file:
                    os.fsync(file.fileno())
`

/** Unpacks into `target`, which holds torch/ (and nvidia/) then. Rejects with LIBTORCH_FETCH_FAILED or DISK_FULL. */
export async function unpack(
  python: string,
  wheels: readonly string[],
  target: string,
  flavour: Libtorch['flavour'],
  listeners: Listeners,
): Promise<void> {
  listeners.onLine?.(`unpacking ${wheels.length} ${wheels.length === 1 ? 'wheel' : 'wheels'}`)
  const { code, tail } = await run(python, ['-c', script, target, keep[flavour], ...wheels], listeners)
  if (code !== 0) throw fetchFailed(`The wheels could not be unpacked into ${target}:\n${tail}`, code)
}
