/** What package.json states about this package. */
import { readFileSync } from 'node:fs'

type Manifest = { name: string; version: string; engines: { node: string } }

/** The package's own; undefined in a bundle, beside which lies that of another project, or none. */
function readManifest(): Manifest | undefined {
  try {
    const manifest: Manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    return manifest.name === 'shinsaku' ? manifest : undefined
  } catch {
    return undefined
  }
}

const manifest = readManifest()

/** Whether this code lies in the package's own folder, where its native part is; a bundler moves it elsewhere. */
export const isInPackage = manifest !== undefined

/** Such as "0.1.0". */
export const version: string = manifest?.version ?? 'unknown'

/** The versions of Node that the package runs on, such as "^20.19 || >=22.12". */
export const nodeRange: string = manifest?.engines.node ?? 'unknown'
