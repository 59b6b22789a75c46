#!/usr/bin/env node
// Makes docs/icons.png, the grid of built-in icons that the README shows.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './bootstrap.mjs'
import { readFlags } from './flags.mjs'

readFlags({
  command: 'node scripts/icons.mjs',
  about: 'Makes docs/icons.png, the grid of built-in icons. Needs dist/.',
})
const { drawIcon } = await import('../dist/icons/icons.js')
const { encodePicture, makeGrid, renderSvg } = await import('../dist/images/images.js')
const { resolveTrain } = await import('../dist/options/resolve.js')

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
