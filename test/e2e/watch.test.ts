/** The page in a real browser, over a run that trains: nothing on its console, live, by keyboard, wide and narrow. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeBrowser, listenTo, openBrowser } from '../helpers/browser.ts'
import { cliProgram, tinyFlags } from '../helpers/cli-process.ts'
import { drawPictures, ownCache, sharedFolder } from '../helpers/runs.ts'
import { until } from '../helpers/until.ts'
import { fullRun } from '../helpers/watch.ts'

const browser: Browser | string = await openBrowser()
if (typeof browser === 'string') console.warn(`Tests of the page are skipped: there is no browser (${browser})`)

const folder = sharedFolder()
const runs = join(folder, 'runs')
const other = 'odd <img src=x onerror=alert(1)>'
const children: ChildProcess[] = []
let url = ''

/** A command as a process, and its first line on stdout. */
function start(...args: string[]): { child: ChildProcess; first: Promise<string> } {
  const env = { ...process.env, SHINSAKU_DEVICE: 'cpu', ...ownCache(folder) }
  const child = spawn(process.execPath, [cliProgram, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const first = new Promise<string>((resolve, reject) => {
    child.stdout!.once('data', (chunk) => resolve(String(chunk)))
    child.once('exit', (code) => reject(new Error(`shinsaku ${args[0]} ended with ${code}`)))
  })
  // Not every first line is waited for.
  first.catch(() => {})
  return { child, first }
}

const training = ['train', './data', ...tinyFlags, '--batch', '4', '--queue', '--json', '--max-images', '1000000']

beforeAll(async () => {
  if (typeof browser === 'string') return
  mkdirSync(runs)
  fullRun(runs, other)
  await drawPictures(join(folder, 'data'), 6)
  const flags = [
    ...training,
    '--previews',
    '4',
    '--preview-steps',
    '2',
    '--log-images',
    '40',
    '--checkpoint-images',
    '400',
  ]
  await start(...flags).first
  // It waits behind the first.
  start(...training, '--seed', '1')
  url = JSON.parse(await start('watch', 'runs', '--port', '0', '--json').first).url
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await closeBrowser()
})

const name = '00000-diffusion-16-data'

async function open(width: number, hash = ''): Promise<{ page: Page; heard: ReturnType<typeof listenTo> }> {
  const page = await (browser as Browser).newPage({ viewport: { width, height: 900 }, locale: 'en-US' })
  const heard = listenTo(page)
  await page.goto(`${url}/${hash}`)
  await page.locator('#run-name').filter({ hasText: /./ }).waitFor()
  return { page, heard }
}

const textOf = async (page: Page, selector: string) => (await page.locator(selector).textContent()) ?? ''

/** Waits until an element has this text: parts of the page arrive one after the other. */
const shows = (page: Page, selector: string, text: string) =>
  until(async () => (await textOf(page, selector)).includes(text))

describe.skipIf(typeof browser === 'string')('the page', () => {
  test.each([1440, 320])(
    'at %i pixels: live, no wider than the screen, silent, from this server alone',
    async (width) => {
      const { page, heard } = await open(width, `#run=${name}`)
      await page.locator('canvas').first().waitFor()
      const before = await textOf(page, '#standing')
      expect(before).toContain('Training')
      await until(async () => (await textOf(page, '#standing')) !== before)
      expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      await page.locator('img[alt^="Samples after"]').waitFor()
      const loaded = () => page.evaluate<boolean>('[...document.images].every((img) => !img.src || img.complete)')
      await until(loaded)
      expect(heard.errors).toEqual([])
      expect(heard.requests.filter((request) => !request.startsWith(url))).toEqual([])
      await page.close()
    },
  )

  test('by keyboard: to a run, through time, to another run laid over, to the log scale', async () => {
    const { page, heard } = await open(1200, `#run=${encodeURIComponent(other)}`)
    // A name is a text, whatever is in it.
    await until(async () => (await textOf(page, '#run-name')) === other)
    await shows(page, 'output', 'after 200 images')
    await shows(page, '[role=log]', '<b>few</b> pictures')
    const focused = () =>
      page.evaluate<string>('document.activeElement?.id || document.activeElement?.textContent || ""')
    const tabTo = async (wanted: string) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab')
        if ((await focused()).includes(wanted)) return
      }
      expect.unreachable(`the keyboard does not reach ${wanted}`)
    }
    await page.keyboard.press('Tab')
    expect(await focused()).toBe('To the run')
    await tabTo('time')
    await page.keyboard.press('ArrowLeft')
    await shows(page, 'output', 'after 0 images')
    await page.locator('#with').selectOption(name)
    await shows(page, '#options', 'options differ')
    await page.locator('.key.dashed').first().waitFor()
    const scale = page.locator('figcaption input').first()
    await scale.focus()
    const was = await scale.isChecked()
    await page.keyboard.press('Space')
    expect(await scale.isChecked()).toBe(!was)
    await shows(page, '[aria-label="Evaluation"]', 'After 200 images: good')
    await shows(page, '#data', '<MIT>')
    expect(heard.errors).toEqual([])
    await page.close()
  })

  test('the queue: one trains, one waits; stopping the first lets the second train', async () => {
    const { page, heard } = await open(1200)
    await until(async () => (await page.locator('#queue li').count()) === 2)
    expect(await textOf(page, '#queue')).toMatch(/training[\s\S]*place 1/)
    const stop = page.locator('#queue li').first().getByRole('button', { name: /stop/i })
    await stop.click()
    expect(await stop.textContent()).toBe('Save and stop?')
    await stop.click()
    await until(async () => (await page.locator('#queue li').count()) === 1)
    await until(async () => (await textOf(page, '#queue')).includes('training'))
    await page.locator('#runs a', { hasText: '00001-' }).waitFor()
    expect(heard.errors).toEqual([])
    await page.close()
  })
})
