/** sharp, set up once for the process: the only file that knows it. */
import type { Sharp, default as SharpModule } from 'sharp'

export type { Sharp }

/** Loaders that may see bytes. Svg is among them for `renderSvg`; `looksLikePicture` (decode.ts) keeps it from files. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff', 'Svg'].map((name) => `VipsForeignLoad${name}`)

let loading: Promise<typeof SharpModule> | undefined

/** sharp, set up for the whole process: one thread for each picture, no cache, only the loaders that are needed. */
export function loadSharp(): Promise<typeof SharpModule> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.concurrency(1)
    sharp.cache(false)
    sharp.block({ operation: ['VipsForeignLoad'] })
    sharp.unblock({ operation: loaders })
    return sharp
  })
  return loading
}

/** Names the libraries that decode: with other versions the same file may give other pixels. */
export async function decoderVersion(): Promise<string> {
  const { versions } = await loadSharp()
  return `sharp ${versions.sharp}, libvips ${versions.vips}`
}
