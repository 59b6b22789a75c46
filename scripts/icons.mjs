#!/usr/bin/env node
// Makes docs/icons.png, the grid of built-in icons that the README links to.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { root } from './bootstrap.mjs'
import { readFlags } from './flags.mjs'

readFlags({
  command: 'node scripts/icons.mjs',
  about: 'Makes docs/icons.png, the grid of built-in icons. Needs dist/.',
})
const { drawIcon } = await import('../dist/icons/icons.js')
const { renderSvg } = await import('../dist/images/decode.js')
const { encodeGrid } = await import('../dist/images/grid.js')
const { resolveTrain } = await import('../dist/options/resolve.js')

const [columns, rows, size] = [8, 4, 96]
const settings = resolveTrain({ size })
const icons = await Promise.all(
  Array.from({ length: columns * rows }, (_, index) => renderSvg(drawIcon(1, index), settings)),
)
const shape = { count: icons.length, size, channels: settings.channels, columns }
writeFileSync(join(root, 'docs', 'icons.png'), await buffer(encodeGrid(icons, shape, 'png')))
