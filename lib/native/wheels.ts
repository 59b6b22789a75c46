/** The Python wheels that libtorch is taken from, pinned by version and SHA-256. */

export type Wheel = { name: string; version: string; sha256: readonly string[] }

/** The libtorch this package is built for and fetches. */
export const torchVersion = '2.13.0'

const publicBuild: Wheel = {
  name: 'torch',
  version: torchVersion,
  sha256: ['60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7'],
}
const cpuBuild: Wheel = {
  name: 'torch',
  version: `${torchVersion}+cpu`,
  sha256: ['6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b'],
}

/** Builds that will do, the smallest first: not every index offers the one for CPUs, and GPUs need the public one. */
export const torchWheels = { cpu: [cpuBuild, publicBuild], cuda: [publicBuild] } as const satisfies Record<
  string,
  readonly Wheel[]
>

/** The CUDA libraries that the public build of this torch pins; all of them are needed to load libtorch_cuda. */
export const cudaWheels: readonly Wheel[] = [
  {
    name: 'nvidia-cublas',
    version: '13.1.1.3',
    sha256: ['37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436'],
  },
  {
    name: 'nvidia-cuda-cupti',
    version: '13.0.85',
    sha256: ['4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8'],
  },
  {
    name: 'nvidia-cuda-nvrtc',
    version: '13.0.88',
    sha256: ['ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575'],
  },
  {
    name: 'nvidia-cuda-runtime',
    version: '13.0.96',
    sha256: ['7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548'],
  },
  {
    name: 'nvidia-cudnn-cu13',
    version: '9.20.0.48',
    sha256: ['0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304'],
  },
  {
    name: 'nvidia-cufft',
    version: '12.0.0.61',
    sha256: ['6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3'],
  },
  {
    name: 'nvidia-cufile',
    version: '1.15.1.6',
    sha256: ['08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44'],
  },
  {
    name: 'nvidia-curand',
    version: '10.4.0.35',
    sha256: ['1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc'],
  },
  {
    name: 'nvidia-cusolver',
    version: '12.0.4.66',
    sha256: ['0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112'],
  },
  {
    name: 'nvidia-cusparse',
    version: '12.6.3.3',
    sha256: ['2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b'],
  },
  {
    name: 'nvidia-cusparselt-cu13',
    version: '0.8.1',
    sha256: ['786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0'],
  },
  {
    name: 'nvidia-nccl-cu13',
    version: '2.29.7',
    sha256: ['edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d'],
  },
  {
    name: 'nvidia-nvjitlink',
    version: '13.5.37',
    sha256: ['280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb'],
  },
  {
    name: 'nvidia-nvshmem-cu13',
    version: '3.4.5',
    sha256: ['290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80'],
  },
  {
    name: 'nvidia-nvtx',
    version: '13.0.85',
    sha256: ['4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4'],
  },
]

/** What the public build needs even where it computes on a CPU only. */
export const runtimeWheels: readonly Wheel[] = cudaWheels.filter(({ name }) =>
  ['nvidia-cuda-cupti', 'nvidia-cuda-runtime'].includes(name),
)
