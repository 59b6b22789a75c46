/** What package.json states about this package. */
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** Such as "0.1.0". */
export const version: string = manifest.version

/** The versions of Node that the package runs on, such as "^20.19 || >=22.12". */
export const nodeRange: string = manifest.engines.node
