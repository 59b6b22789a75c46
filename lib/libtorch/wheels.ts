/** The Python wheels that libtorch is taken from, pinned by version and SHA-256, for each kind of processor. */
import type { Architecture } from '../system/platform.ts'

/** One file that will do. `local` is the part of its version after a "+", such as "cpu". */
export type WheelFile = { sha256: string; bytes: number; local?: string }

export type Wheel = {
  name: string
  version: string
  files: readonly WheelFile[]
  /** No build with a local version will do. */
  exact?: boolean
}

/** What libtorch is put together from. */
export type WheelSet = {
  /** Without `cuda` there is no build for GPUs. */
  torch: { cpu: Wheel; cuda?: Wheel }
  /** What the public build needs beside it to load on a CPU, and on a GPU. */
  runtime: readonly Wheel[]
  cuda: readonly Wheel[]
}

/** The libtorch this package is built for and fetches. */
export const torchVersion = '2.13.0'

const publicBuild: WheelFile = {
  sha256: '60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7',
  bytes: 526_574_961,
}
const cpuBuild: WheelFile = {
  sha256: '6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b',
  bytes: 191_794_682,
  local: 'cpu',
}

const wheel = (name: string, version: string, bytes: number, sha256: string): Wheel => ({
  name,
  version,
  files: [{ sha256, bytes }],
})

/** The CUDA libraries that the public build of this torch pins; all of them are needed to load libtorch_cuda. */
const cudaWheels: readonly Wheel[] = [
  wheel('nvidia-cublas', '13.1.1.3', 423_138_758, '37936a16db8fe4ac1f065c2139360608a543a09275cb1a1af612e08cfa065436'),
  wheel('nvidia-cuda-cupti', '13.0.85', 10_715_597, '4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8'),
  wheel('nvidia-cuda-nvrtc', '13.0.88', 90_215_200, 'ad9b6d2ead2435f11cbb6868809d2adeeee302e9bb94bcf0539c7a40d80e8575'),
  wheel(
    'nvidia-cuda-runtime',
    '13.0.96',
    2_243_632,
    '7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548',
  ),
  wheel(
    'nvidia-cudnn-cu13',
    '9.20.0.48',
    366_173_588,
    '0c45dd8eeb50b603f07995b1b300c62ffe6a1980482b82b3bcf94a4ca9d49304',
  ),
  wheel('nvidia-cufft', '12.0.0.61', 214_085_489, '6c44f692dce8fd5ffd3e3df134b6cdb9c2f72d99cf40b62c32dde45eea9ddad3'),
  wheel('nvidia-cufile', '1.15.1.6', 1_223_672, '08a3ecefae5a01c7f5117351c64f17c7c62efa5fffdbe24fc7d298da19cd0b44'),
  wheel('nvidia-curand', '10.4.0.35', 59_544_258, '1aee33a5da6e1db083fe2b90082def8915f30f3248d5896bcec36a579d941bfc'),
  wheel(
    'nvidia-cusolver',
    '12.0.4.66',
    200_941_980,
    '0a759da5dea5c0ea10fd307de75cdeb59e7ea4fcb8add0924859b944babf1112',
  ),
  wheel('nvidia-cusparse', '12.6.3.3', 145_942_937, '2b3c89c88d01ee0e477cb7f82ef60a11a4bcd57b6b87c33f789350b59759360b'),
  wheel(
    'nvidia-cusparselt-cu13',
    '0.8.1',
    170_148_586,
    '786ce87568c303fadb5afcc7102d454cd3040d75f6f8626f5db460d1871f4dd0',
  ),
  wheel('nvidia-nccl-cu13', '2.29.7', 205_976_000, 'edd81538446786ec3b73972543e53bb43bcaf0bfc8ef76cb679fcc390ffe136d'),
  wheel('nvidia-nvjitlink', '13.5.37', 46_642_491, '280d7cb9649704145f074b8dbde500de04ce02d0872e066e20a83c17bcaa93eb'),
  wheel('nvidia-nvshmem-cu13', '3.4.5', 60_412_546, '290f0a2ee94c9f3687a02502f3b9299a9f9fe826e6d0287ee18482e78d495b80'),
  wheel('nvidia-nvtx', '13.0.85', 148_047, '4936d1d6780fbe68db454f5e72a42ff64d1fd6397df9f363ae786930fd5c1cd4'),
]

/** What the public build needs even where it computes on a CPU only. */
const runtimeNames = ['nvidia-cuda-cupti', 'nvidia-cuda-runtime']

export const pinnedWheels: Readonly<Record<Architecture, WheelSet>> = {
  x64: {
    torch: {
      // Not every index offers the smaller build for CPUs; the public one computes on CPUs too, and GPUs need it.
      cpu: { name: 'torch', version: torchVersion, files: [cpuBuild, publicBuild] },
      cuda: { name: 'torch', version: torchVersion, files: [publicBuild], exact: true },
    },
    runtime: cudaWheels.filter(({ name }) => runtimeNames.includes(name)),
    cuda: cudaWheels,
  },
  arm64: {
    torch: {
      cpu: wheel(
        'torch',
        torchVersion,
        427_199_369,
        '092790c696a760c729fd5722835f50b9d81fd7c8f141571f3f3cf4081a8f664c',
      ),
    },
    runtime: [
      wheel(
        'nvidia-cuda-cupti',
        '13.0.85',
        10_310_827,
        '796bd679890ee55fb14a94629b698b6db54bcfd833d391d5e94017dd9d7d3151',
      ),
      wheel(
        'nvidia-cuda-runtime',
        '13.0.96',
        2_261_060,
        'ef9bcbe90493a2b9d810e43d249adb3d02e98dd30200d86607d8d02687c43f55',
      ),
    ],
    cuda: [],
  },
}

/** Whether a libtorch for GPUs can be fetched for this processor. */
export const hasCudaBuild = (arch: string = process.arch): boolean =>
  Object.entries(pinnedWheels).some(([name, { torch }]) => name === arch && torch.cuda !== undefined)
