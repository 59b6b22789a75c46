/** Node with less than it usually allows: its permission model, and without native addons. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.ts'

const module = (path: string) => JSON.stringify(fileURLToPath(new URL(`../../dist/${path}`, import.meta.url)))
const run = (flags: readonly string[], program: string) =>
  execFileSync(process.execPath, [...flags, '--no-warnings', '--input-type=module', '-e', program], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim()

const permission = Number(process.versions.node.split('.')[0]) < 23 ? '--experimental-permission' : '--permission'

test('files are written durably under the permission model', () => {
  const path = join(temporaryFolder(), 'a.txt')
  const flags = [permission, '--allow-fs-read=*', '--allow-fs-write=*']
  run(
    flags,
    `const { writeDurable } = await import(${module('files/write.js')}); await writeDurable(${JSON.stringify(path)}, 'abc')`,
  )
  expect(readFileSync(path, 'utf8')).toBe('abc')
})

describe('without addons', () => {
  const hintOf = (path: string, call: string) =>
    JSON.parse(
      run(
        ['--no-addons'],
        `const m = await import(${module(path)}); await m.${call}.catch(({ code, hint }) => console.log(JSON.stringify({ code, hint })))`,
      ),
    )

  test.each([
    ['the native part', 'native/load.js', 'loadAddon()'],
    ['sharp', 'images/sharp.js', 'loadSharp()'],
  ])('%s says which flag is in the way', (_, path, call) => {
    const { code, hint } = hintOf(path, call)
    expect(code).toBe('ADDON_MISSING')
    expect(hint).toContain('without --no-addons, and with --permission add --allow-addons')
  })
})
