import { expect, test } from 'vitest'
import { architectures, requirePlatform } from '../../../lib/system/platform.ts'

const supported = ['linux-x64-glibc', 'linux-arm64-glibc']

test.each([
  ['darwin', 'arm64', 'docker run'],
  ['win32', 'x64', 'WSL 2'],
  ['linux', 'riscv64', 'Use a machine or container of these'],
] as const)(
  '%s-%s: PLATFORM_UNSUPPORTED with what is supported, what to do, and how to build',
  (platform, arch, instead) => {
    const check = () => requirePlatform({ platform, arch }, () => '2.36')
    expect(check).toThrow(
      expect.objectContaining({
        code: 'PLATFORM_UNSUPPORTED',
        hint: expect.stringMatching(/set LIBTORCH .*CONTRIBUTING\.md/),
        details: { platform, arch, musl: false, supported },
      }),
    )
    expect(check).toThrow(expect.objectContaining({ hint: expect.stringContaining(instead) }))
    expect(check).toThrow(`shinsaku runs on linux-x64 and linux-arm64 with glibc, but this is ${platform}-${arch}`)
  },
)

test.each(architectures)('musl on %s', (arch) => {
  const check = () => requirePlatform({ platform: 'linux', arch }, () => undefined)
  expect(check).toThrow(expect.objectContaining({ code: 'PLATFORM_UNSUPPORTED' }))
  expect(check).toThrow(`but this is linux-${arch} with musl`)
})

test.each(architectures)('linux-%s with glibc passes', (arch) => {
  expect(requirePlatform({ platform: 'linux', arch }, () => '2.28')).toBe(arch)
})
