/** A real browser for tests of pages; where none can be had, tests skip with the reason. */
import type { Browser, Page } from 'playwright-core'

let opened: Promise<Browser> | undefined

/** Chromium as the package has it. No test needs a GPU, and a test may run as root. */
async function open(): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  const { default: packaged } = await import('@sparticuz/chromium')
  return chromium.launch({ executablePath: await packaged.executablePath(), args: ['--no-sandbox', '--disable-gpu'] })
}

/** The browser of this file's tests, or why there is none. */
export async function openBrowser(): Promise<Browser | string> {
  opened ??= open()
  return opened.catch((error: Error) => error.message.split('\n')[0]!)
}

export const closeBrowser = async (): Promise<void> => (await opened?.catch(() => undefined))?.close()

/** Everything that a page has said or asked for since it was opened. */
export type Heard = { errors: string[]; requests: string[] }

/** Listens to a page from before anything is loaded. Violations of its policy are errors on its console. */
export function listenTo(page: Page): Heard {
  const heard: Heard = { errors: [], requests: [] }
  page.on('console', (message) => heard.errors.push(message.text()))
  page.on('pageerror', (error) => heard.errors.push(error.message))
  page.on('request', (request) => {
    if (!request.url().startsWith('data:')) heard.requests.push(request.url())
  })
  return heard
}
