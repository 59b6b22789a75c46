/** sharp, set up once for the process: the only file that knows it. */
import type { Sharp, default as SharpModule } from 'sharp'
import { ShinsakuError } from '../errors.ts'
import { addonHint } from '../system/addons.ts'

export type { Sharp }

/** Loaders that may see bytes. Svg is among them for `renderSvg`; `looksLikePicture` (decode.ts) keeps it from files. */
const loaders = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff', 'Svg'].map((name) => `VipsForeignLoad${name}`)

let loading: Promise<typeof SharpModule> | undefined

async function load(): Promise<typeof SharpModule> {
  const { default: sharp } = await import('sharp').catch((cause: Error) => {
    const reason = cause.message.split('\n')[0]
    throw new ShinsakuError('ADDON_MISSING', `sharp, which reads and writes pictures, could not be loaded: ${reason}`, {
      cause,
      hint: addonHint(
        cause,
        'Install it with the native package of this platform: npm install --include=optional sharp',
      ),
    })
  })
  sharp.concurrency(1)
  sharp.cache(false)
  sharp.block({ operation: ['VipsForeignLoad'] })
  sharp.unblock({ operation: loaders })
  return sharp
}

/**
 * sharp, set up for the whole process: one thread for each picture, no cache, only the loaders that are needed.
 * Rejects with ADDON_MISSING.
 */
export function loadSharp(): Promise<typeof SharpModule> {
  loading ??= load()
  return loading
}

/** Names the libraries that decode: with other versions the same file may give other pixels. */
export async function decoderVersion(): Promise<string> {
  const { versions } = await loadSharp()
  return `sharp ${versions.sharp}, libvips ${versions.vips}`
}
