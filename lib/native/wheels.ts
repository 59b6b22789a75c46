/** The Python wheels that libtorch is taken from, pinned by version and SHA-256. */

export type Wheel = { name: string; version: string; sha256: readonly string[] }

/** The libtorch this package is built for and fetches. */
export const torchVersion = '2.13.0'

const torchCpu = '6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b'
const torchPublic = '60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7'

/** For the CPU either build will do: pip takes what its indexes offer. For GPUs only the public one. */
export const torchWheel = {
  cpu: { name: 'torch', version: torchVersion, sha256: [torchCpu, torchPublic] },
  cuda: { name: 'torch', version: torchVersion, sha256: [torchPublic] },
} as const satisfies Record<string, Wheel>

/** What the public build needs even where it computes on a CPU only. */
export const runtimeWheels: readonly Wheel[] = [
  { name: 'nvidia-cuda-runtime', version: '13.0.96', sha256: ['7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548'] },
  { name: 'nvidia-cuda-cupti', version: '13.0.85', sha256: ['4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8'] },
]
