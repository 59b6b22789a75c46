/** A site of a run: refused without rights or with copies, written whole or not at all, and sampling in a real browser. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readXmp } from '../../lib/images/xmp.ts'
import type { Model } from '../../lib/index.ts'
import { closeBrowser, listenTo, openBrowser } from '../helpers/browser.ts'
import { runCli } from '../helpers/cli-process.ts'
import { newestOf, sharedFolder, tinyRun, usePictures } from '../helpers/runs.ts'
import { serveFolder } from '../helpers/static-server.ts'

const shared = sharedFolder()
const data = usePictures(8)

/** What `evaluate` would have found. */
function recordEvaluation(run: string, share: number): void {
  const folder = join(run, 'evaluation', basename(newestOf(run)))
  mkdirSync(folder, { recursive: true })
  const report = {
    n: 64,
    copyShare: { value: share, low: share / 2, high: share * 2 },
    copyShareHeldOut: null,
    date: '2026-11-30T00:00:00.000Z',
    verdict: { word: share > 0.05 ? 'copied' : 'new', because: ['Because <b>somebody</b> looked.'] },
    basis: { reference: { name: 'training pictures', count: 8 }, extractor: null },
  }
  writeFileSync(join(folder, 'report.json'), JSON.stringify(report))
}

let model: Model
let site: string
const publish = (...args: string[]) => runCli(shared, ['publish', model.run, '-o', site, '--steps', '4,2', ...args])

beforeAll(async () => {
  writeFileSync(join(data, 'LICENSES.csv'), 'file,licence,author,source\n*,CC0-1.0,"<i>Ada</i>",https://example.com\n')
  model = await tinyRun(shared, data, { maxImages: 8 })
  site = join(shared, 'site')
  return () => model.dispose()
})

test('nobody has looked for copies, too many copies, pictures without licence: refused, unless told', async () => {
  const unseen = await publish()
  expect([unseen.code, unseen.stderr]).toEqual([1, expect.stringContaining('COPIES_UNCHECKED')])
  recordEvaluation(model.run, 0.4)
  const copied = await publish('--json')
  expect(JSON.parse(copied.stderr).error).toMatchObject({ code: 'COPIES_FOUND', details: { share: 0.4, limit: 0.05 } })
  recordEvaluation(model.run, 0.01)
  const records = join(model.run, 'dataset.json')
  const kept = readFileSync(records, 'utf8')
  writeFileSync(records, kept.replace('"CC0-1.0"', 'null'))
  const unlicensed = await publish()
  writeFileSync(records, kept)
  expect([unlicensed.code, unlicensed.stderr]).toEqual([1, expect.stringContaining('1 of 8 pictures have no licence')])
  expect(existsSync(site)).toBe(false)
  expect(readdirSync(shared).filter((name) => name.startsWith('.tmp'))).toEqual([])
})

test('a folder that is not its own is never written over', async () => {
  mkdirSync(site)
  writeFileSync(join(site, 'thesis.txt'), 'years of work')
  const { code, stderr } = await publish()
  expect([code, stderr]).toEqual([1, expect.stringContaining('FILE_EXISTS')])
  expect(readdirSync(site)).toEqual(['thesis.txt'])
  rmSync(site, { recursive: true })
})

describe('the site', async () => {
  const browser = await openBrowser()
  afterAll(closeBrowser)
  const reason = typeof browser === 'string' ? browser : undefined

  test('is written again over itself, says its size before, and has a card of the records', async () => {
    const first = await publish('--mark', 'none')
    expect(readFileSync(join(site, 'index.html'), 'utf8')).toContain('data-mark=""')
    expect([first.code, first.stderr]).toEqual([
      0,
      expect.stringMatching(/^A visitor loads .*\nGuessed time .*steps: 4/),
    ])
    writeFileSync(join(site, 'stale'), '')
    const again = await publish('--title', 'Eight <script>pictures', '--license', 'CC-BY-4.0', '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ weights: 'raw', steps: [{ steps: 4 }, { steps: 2 }] })
    const names = readdirSync(site).sort()
    expect(names.filter((name) => !name.startsWith('model-'))).toEqual(
      ['README.md', 'app', 'index.html', 'runtime', 'shinsaku-site.json'].sort(),
    )
    expect(names).toHaveLength(6)
    const card = readFileSync(join(site, 'README.md'), 'utf8')
    expect(card).toContain('license: "CC-BY-4.0"')
    expect(card).toContain('| CC0-1.0 | \\<i\\>Ada\\</i\\> |')
    expect(card).toContain('1.0 % (0.5 % to 2.0 %) of 64 samples are copies')
    expect(card.split('---\n')[2]).not.toMatch(/(?<!\\)<(b|i|script)/)
    const page = readFileSync(join(site, 'index.html'), 'utf8')
    expect(page).not.toMatch(/<(b|i)>|<script>pictures|style=|onclick/)
    expect(page).not.toContain(shared)
  })

  test.skipIf(reason)(
    `samples what sample() samples, asks nobody else, and saves it with its origin ${reason ?? ''}`,
    async () => {
      if (typeof browser === 'string') return
      const server = await serveFolder(site)
      const page = await browser.newPage({ locale: 'en-US', viewport: { width: 1280, height: 900 } })
      const heard = listenTo(page)
      await page.goto(`${server.url}#seed=7&steps=2`)
      expect(heard.requests.filter((url) => /\.(onnx|wasm)$/.test(url))).toEqual([])
      await page.getByRole('button', { name: 'Sample' }).press('Enter')
      await expect.poll(() => page.locator('#status').textContent(), { timeout: 60_000 }).toMatch(/^Seed 7, 2 steps/)
      const shown = await page.evaluate(() => {
        // biome-ignore lint/suspicious/noExplicitAny: this function runs in the page
        const canvas = (globalThis as any).document.getElementById('picture')
        return [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data] as number[]
      })
      const [expected] = await model.sample({ seed: 7, steps: 2 })
      const rgb = shown.filter((_, i) => i % 4 < 3)
      expect(rgb).toHaveLength(expected!.pixels.length)
      const off = rgb.map((value, i) => Math.abs(value - expected!.pixels[i]!))
      // The visible mark is in the lower half only.
      expect(Math.max(...off.slice(0, off.length / 2))).toBeLessThanOrEqual(1)
      expect(Math.max(...off.slice(off.length / 2))).toBeGreaterThan(50)
      const [saved] = await Promise.all([page.waitForEvent('download'), page.getByText('Save PNG').click()])
      const { xmp } = await sharp(await saved.path()).metadata()
      expect(readXmp(xmp!.toString())?.settings).toMatchObject({ generator: 'shinsaku', seed: 7, steps: 2 })
      expect(heard.errors).toEqual([])
      expect(heard.requests.every((url) => url.startsWith(server.url))).toBe(true)
      for (const width of [320, 1440]) {
        await page.setViewportSize({ width, height: 800 })
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      }
      await page.close()
      await server.close()
    },
  )
})
