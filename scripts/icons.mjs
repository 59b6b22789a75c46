// Draws docs/icons.png, the sheet of built-in icons that the README shows: `node scripts/icons.mjs` after `npm run build`.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawIcon } from '../dist/icons/icons.js'
import { encodePicture, makeGrid, renderSvg } from '../dist/images/images.js'
import { resolveTrain } from '../dist/options/resolve.js'
import { root } from './bootstrap.mjs'

const [columns, rows, size] = [8, 4, 96]
const settings = resolveTrain({ size })
const icons = await Promise.all(
  Array.from({ length: columns * rows }, (_, index) => renderSvg(drawIcon(1, index), settings)),
)
const all = Uint8Array.from(Buffer.concat(icons))
const { pixels, width, height } = makeGrid(all, icons.length, size, settings.channels, columns)
writeFileSync(
  join(root, 'docs', 'icons.png'),
  await encodePicture(pixels, { width, height, channels: settings.channels }, 'png'),
)
