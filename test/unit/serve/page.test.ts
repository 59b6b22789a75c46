/** The demo page in a real browser, at a server whose model is played. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Listening, listen } from '../../../lib/serve/listen.ts'
import { closeBrowser, type Heard, listenTo, openBrowser } from '../../helpers/browser.ts'
import { fakeServer } from '../../helpers/serve.ts'

// The browser's own, which the types of this program do not have.
// biome-ignore lint/suspicious/noExplicitAny: as above
type Any = any
declare const document: Any
declare const innerWidth: number
declare const getComputedStyle: (element: Any) => { color: string; backgroundColor: string }

const browser = await openBrowser()
const noBrowser = typeof browser === 'string' ? browser : undefined
if (noBrowser) console.warn(`No browser for the demo page: ${noBrowser}`)

afterAll(closeBrowser)

describe.skipIf(noBrowser)('the demo page', () => {
  let server: Listening
  let url: string
  beforeAll(async () => {
    server = await listen(fakeServer().handler, { host: '127.0.0.1', port: 0 })
    url = server.url
  })
  afterAll(() => server.close(1))

  async function open(path = '/', width = 1440, options: Parameters<Browser['newPage']>[0] = {}) {
    const page = await (browser as Browser).newPage({ locale: 'en-US', viewport: { width, height: 900 }, ...options })
    const heard = listenTo(page)
    await page.goto(url + path)
    await waitFor(page, () => document.querySelectorAll('#facts dd').length > 0)
    return { page, heard }
  }
  /** Under the page's policy nothing may be made of a text, so this asks again and again. */
  async function waitFor(page: Page, condition: () => boolean) {
    await expect.poll(() => page.evaluate(condition), { timeout: 60_000, interval: 20 }).toBe(true)
  }
  const shown = (page: Page) => page.evaluate(() => document.querySelector('#picture img')?.alt as string | undefined)
  const made = (page: Page) => waitFor(page, () => document.querySelector('#status').textContent.startsWith('Made in'))
  const quiet = ({ errors, requests }: Heard) => {
    expect(errors).toEqual([])
    expect(requests.filter((asked) => !asked.startsWith(url))).toEqual([])
  }

  test('by keyboard alone: a picture, more like it, a grid, a walk between two, and no word on the console', async () => {
    const { page, heard } = await open()
    await page.keyboard.press('n')
    await made(page)
    const first = await shown(page)
    expect(first).toMatch(/^Seed \d+$/)
    await page.keyboard.press('a')
    await page.keyboard.press('g')
    await waitFor(page, () => document.querySelectorAll('#strip button:enabled').length === 8)
    await page.focus('#strip button:nth-child(3)')
    await page.keyboard.press('Enter')
    expect(await shown(page)).not.toBe(first)
    await page.keyboard.press('b')
    await page.keyboard.press('w')
    await waitFor(page, () => document.querySelectorAll('#strip button:enabled').length === 8)
    const names = await page.evaluate(() =>
      [...document.querySelectorAll('#strip button')].map((button: Any): string => button.getAttribute('aria-label')),
    )
    expect(names[0]).toBe(first)
    expect(names[4]).toMatch(/^57 % from seed \d+ to \d+$/)
    await page.keyboard.press('m')
    await waitFor(page, () => document.querySelectorAll('#strip button:enabled').length === 8)
    quiet(heard)
    // Everything that can be used has a name.
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button,a,input,select')]
        .filter((element: Any) => element.checkVisibility())
        .filter(
          (element: Any) =>
            !(element.textContent || element.getAttribute('aria-label') || element.closest('label')?.textContent),
        )
        .map(({ outerHTML }: Any) => outerHTML as string),
    )
    expect(nameless).toEqual([])
    await page.close()
  })

  test('a link with a seed makes that picture, and the file to save has its name', async () => {
    const { page, heard } = await open('/#model=faces&seed=7')
    await made(page)
    expect(await shown(page)).toBe('Seed 7')
    expect(await page.getAttribute('#save', 'download')).toBe('faces-seed-7.webp')
    expect(new URL(page.url()).hash).toBe('#model=faces&seed=7')
    quiet(heard)
    await page.close()
  })

  test.each([
    [320, 'light'],
    [320, 'dark'],
    [1440, 'light'],
    [1440, 'dark'],
  ] as const)('%i pixels wide, %s: nothing is cut off, and texts stand out', async (width, colorScheme) => {
    const { page, heard } = await open('/#seed=3', width, { colorScheme })
    await made(page)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    const contrasts = await page.evaluate(() => {
      const light = (colour: string) => {
        const [r = 0, g = 0, b = 0] = colour.match(/[\d.]+/g)!.map((part) => {
          const share = Number(part) / 255
          return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
      }
      const behind = (element: Any): string => {
        const { backgroundColor } = getComputedStyle(element)
        return backgroundColor === 'rgba(0, 0, 0, 0)' ? behind(element.parentElement) : backgroundColor
      }
      return ['h1', '#lead', '#new', '#like', '#status', 'dt', 'dd', '.note', 'footer', '#seed'].map((selector) => {
        const element = document.querySelector(selector)
        const [a, b] = [light(getComputedStyle(element).color), light(behind(element))].sort((x, y) => y - x)
        return [selector, (a! + 0.05) / (b! + 0.05)] as const
      })
    })
    expect(contrasts.filter(([, contrast]) => contrast < 4.5)).toEqual([])
    quiet(heard)
    await page.close()
  })

  test('what the server refuses is said on the page', async () => {
    const refusing = await listen(fakeServer({ token: 'a-long-enough-token' }).handler, { host: '127.0.0.1', port: 0 })
    const page = await (browser as Browser).newPage({ locale: 'en-US' })
    await page.goto(refusing.url)
    await waitFor(page, () => document.querySelector('#status').textContent !== '')
    expect(await page.textContent('#status')).toContain('token')
    await page.fill('#token', 'a-long-enough-token')
    await page.press('#token', 'Enter')
    await waitFor(page, () => document.querySelectorAll('#facts dd').length > 0)
    await page.keyboard.press('Tab')
    await page.click('#new')
    await made(page)
    await page.close()
    await refusing.close(1)
  })
})
