/** The machines that this package has a native part for. */
import { ShinsakuError } from '../errors.ts'

/** Their processors, by Node's names. All run Linux with glibc. */
export const architectures = ['x64', 'arm64'] as const
export type Architecture = (typeof architectures)[number]

/** Such as "2.36"; undefined with another C library. */
export const glibcVersion = (): string | undefined =>
  (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime

const elsewhere: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'On macOS run it in a container for linux/amd64: docker run --platform linux/amd64 -it node:24-bookworm.',
  win32: 'On Windows run it in WSL 2.',
}

/**
 * The machine's processor. Throws PLATFORM_UNSUPPORTED, with `details.supported`, where this package has no native build
 * for it.
 */
export function requirePlatform(
  { platform, arch }: Pick<NodeJS.Process, 'platform' | 'arch'> = process,
  glibc = glibcVersion,
): Architecture {
  const musl = platform === 'linux' && !glibc()
  const known = architectures.find((name) => name === arch)
  if (platform === 'linux' && known && !musl) return known
  const supported = architectures.map((name) => `linux-${name}`)
  const instead = musl
    ? 'Use an image based on Debian, Ubuntu or Fedora; libtorch has no build for Alpine.'
    : (elsewhere[platform] ?? `Use a machine or container of these.`)
  throw new ShinsakuError(
    'PLATFORM_UNSUPPORTED',
    `shinsaku runs on ${supported.join(' and ')} with glibc, but this is ${platform}-${arch}${musl ? ' with musl' : ''}`,
    {
      hint: `${instead} To build it here: clone the repository, set LIBTORCH to a libtorch for this platform, and follow "Other platforms" in CONTRIBUTING.md.`,
      details: { platform, arch, musl, supported: supported.map((name) => `${name}-glibc`) },
    },
  )
}
