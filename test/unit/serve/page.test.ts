/** The demo page in a real browser, at a server whose model is played. */

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHandler } from '../../../lib/index.ts'
import type { LabelSet } from '../../../lib/options/labels.ts'
import { type Listening, listen } from '../../../lib/serve/listen.ts'
import { closeBrowser, type Heard, listenTo, openBrowser } from '../../helpers/browser.ts'
import { fakeModel } from '../../helpers/fake-model.ts'
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

  async function open(path = '/', width = 1440, options: Parameters<Browser['newPage']>[0] = {}, at = url) {
    const page = await (browser as Browser).newPage({ locale: 'en-US', viewport: { width, height: 900 }, ...options })
    const heard = listenTo(page)
    await page.goto(at + path)
    await waitFor(page, () => document.querySelectorAll('#facts dd').length > 0)
    return { page, heard }
  }
  /** Under the page's policy nothing may be made of a text, so this asks again and again. */
  async function waitFor(page: Page, condition: () => boolean) {
    await expect.poll(() => page.evaluate(condition), { timeout: 60_000, interval: 20 }).toBe(true)
  }
  const shown = (page: Page) => page.evaluate(() => document.querySelector('#picture img')?.alt as string | undefined)
  const made = (page: Page) => waitFor(page, () => document.querySelector('#status').textContent.startsWith('Made in'))
  /** What can be used but has no name. */
  const namelessOf = (page: Page) =>
    page.evaluate(() =>
      [...document.querySelectorAll('button,a,input,select')]
        .filter((element: Any) => element.checkVisibility())
        .filter(
          (element: Any) =>
            !(element.textContent || element.getAttribute('aria-label') || element.closest('label')?.textContent),
        )
        .map(({ outerHTML }: Any) => outerHTML as string),
    )
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
    expect(await namelessOf(page)).toEqual([])
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

  test('a model with labels is asked by attributes, words and guidance; a link asks for the same again', async () => {
    const attributes: LabelSet['attributes'] = [
      { name: 'hair', kind: 'class', values: ['red', '<b>black</b>'], counts: [3, 3] },
      { name: 'glasses', kind: 'number', min: 0, max: 1, count: 6 },
      { name: 'age', kind: 'number', min: 10, max: 90, count: 6 },
      { name: 'tags', kind: 'words', values: ['hat', 'cat'], counts: [3, 3] },
    ]
    const { model, native } = fakeModel({ labels: { from: 'folders', attributes } })
    const labelled = await listen(createHandler({ plain: fakeModel().model, faces: model }), {
      host: '127.0.0.1',
      port: 0,
    })
    const { page, heard } = await open('/', 320, {}, labelled.url)
    expect(await page.isVisible('#wanted')).toBe(false)
    await page.selectOption('#model', 'faces')
    expect(await page.isVisible('#wanted')).toBe(true)
    const choose = (name: string) => `#attributes [data-name="${name}"]`
    expect(await page.locator(choose('hair')).locator('option').allTextContents()).toEqual([
      'any',
      'red',
      '<b>black</b>',
    ])
    await page.selectOption(choose('hair'), '<b>black</b>')
    await page.selectOption(choose('glasses'), 'yes')
    await page.fill(choose('age'), '50')
    await page.fill(choose('tags'), 'hat, cat')
    await page.fill('#prompt', 'hat')
    await page.fill('#guidance', '3')
    await page.press('#guidance', 'Enter')
    await made(page)
    const asked = native.args.at(-1)
    expect(asked).toMatchObject({ labels: [0, 1, 1, 0.5, 1, 1, 0, 0, 0, 0], guidance: 3 })
    expect(await shown(page)).toMatch(/^Seed \d+, hair <b>black<\/b>, glasses yes, age 50, tags hat and cat, hat$/)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    expect(await namelessOf(page)).toEqual([])
    // Another visitor opens the link.
    const other = await open(`/${new URL(page.url()).hash}`, 320, {}, labelled.url)
    await made(other.page)
    expect(native.args.at(-1)).toMatchObject({ labels: asked!.labels, guidance: 3, seeds: asked!.seeds })
    expect(await shown(other.page)).toBe(await shown(page))
    // What the model does not know is said; what is left open again is asked of nobody.
    await page.fill('#prompt', 'a dog')
    await page.keyboard.press('Enter')
    await waitFor(page, () => document.querySelector('#status').className === 'wrong')
    expect(await page.textContent('#status')).toContain('"dog" is no word that the model knows')
    await page.click('#open')
    await page.click('#new')
    await made(page)
    expect(native.args.at(-1)).not.toHaveProperty('labels')
    // The refusal is the one thing that the browser reports itself.
    expect(heard.errors.filter((said) => !said.includes('400'))).toEqual([])
    await page.close()
    await other.page.close()
    await labelled.close(1)
  })

  test.each(['stylegan2', 'pgan'] as const)('of a %s, which makes a picture at once', async (kind) => {
    const gan = await listen(createHandler({ gan: fakeModel({ model: kind, size: 32 }).model }), {
      host: '127.0.0.1',
      port: 0,
    })
    const { page, heard } = await open('/#seed=3', 1440, {}, gan.url)
    await made(page)
    expect(await shown(page)).toBe('Seed 3')
    expect(await page.textContent('#facts')).toContain(`${kind}, 32 x 32 pixels`)
    await page.keyboard.press('m')
    await waitFor(page, () => document.querySelectorAll('#strip button:enabled').length === 8)
    expect(heard.errors).toEqual([])
    await page.close()
    await gan.close(1)
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
