import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { explanations } from '../../../../lib/evaluate/explain.ts'
import { metricNames } from '../../../../lib/evaluate/metrics.ts'
import type { ReportContent } from '../../../../lib/evaluate/report/content.ts'
import { reportPage } from '../../../../lib/evaluate/report/page.ts'
import { closeBrowser, listenTo, openBrowser } from '../../../helpers/browser.ts'
import { temporaryFolder } from '../../../helpers/folder.ts'
import { judgement, reportContent } from '../../../helpers/report.ts'

/** As file names have come: terminal sequences, and markup. */
const HOSTILE = 'a\u001b[2J\u001b[1;31mHACK\u001b]0;title\u0007.png'
const MARKUP = `"><script>document.title='owned'</script><img src=https://example.com/x onerror="alert(1)">`

/** A report with such names wherever a name can be. */
function hostile(): ReportContent {
  const content = reportContent()
  const pairs = content.pairs.map(({ by, pairs: list }) => ({
    by,
    pairs: list.map((pair) => ({ ...pair, referenceName: `${HOSTILE}${MARKUP}` })),
  }))
  const rights = [{ licence: MARKUP, author: HOSTILE, source: MARKUP, count: 1 }]
  return {
    ...content,
    pairs,
    labels: [
      { attributes: { [MARKUP]: HOSTILE }, pictures: 3, samples: 8, copyShare: { value: 0.5, low: 0.2, high: 0.8 } },
    ],
    run: { ...content.run, name: MARKUP, options: [[MARKUP, HOSTILE]] },
    data: { ...content.data, name: MARKUP, rights, warnings: [MARKUP] },
    machine: [[MARKUP, HOSTILE]],
    judgement: { ...judgement, reasons: { copyShareHeldOut: MARKUP } },
    curves: { ...content.curves, loss: [{ name: MARKUP, points: content.curves.loss[0]!.points }] },
  }
}

describe('reportPage()', () => {
  test('names from outside are text', () => {
    const page = reportPage(hostile())
    expect(page).not.toContain('<script')
    expect(page).not.toContain('<img src=https')
    expect(page).not.toContain('\u001b')
    expect(page).toContain('a\\x1b[2J')
  })

  test('copies of each label stand beside those of all', () => {
    const labels = [
      { attributes: { hair: 'red' }, pictures: 20, samples: 24, copyShare: { value: 0.25, low: 0.1, high: 0.4 } },
      { attributes: { glasses: 1 }, pictures: null, samples: 24, copyShare: { value: 0, low: 0, high: 0.1 } },
    ]
    const page = reportPage(reportContent({ labels }))
    expect(page).toContain('<td>hair: red</td><td>20</td><td>24</td><td>25.0 % (10.0 % to 40.0 %)</td>')
    expect(page).toContain('<td>glasses</td><td></td><td>24</td><td>0.0 % (0.0 % to 10.0 %)</td>')
    expect(page).toContain('where it is asked for nothing, 1.0 % are')
    expect(reportPage(reportContent())).not.toContain('Copies of each label')
  })

  test('every number is there with its sentence, and a missing one with its reason', () => {
    const page = reportPage(reportContent())
    for (const name of metricNames) expect(page, name).toContain(explanations[name].title)
    expect(page).toContain('no pictures are held out')
    expect(page).toContain('-0.00043')
  })

  test.each([
    ['good', 'Good'],
    ['new', 'New, but not good yet'],
    ['copied', 'Copied'],
    ['unknown', 'Not enough is known'],
  ] as const)('the verdict %s is said first', (word, title) => {
    const page = reportPage(reportContent({ judgement: { ...judgement, verdict: { word, because: ['why'] } } }))
    expect(page).toContain(`<strong>${title}</strong>`)
    expect(page.indexOf('<strong>')).toBeLessThan(page.indexOf('<h2>'))
  })

  test('what a run lacks is left out', () => {
    const content = reportContent({
      reals: null,
      overTime: [],
      pairs: [],
      curves: { loss: [], heldOut: [], copies: [] },
    })
    const page = reportPage({ ...content, distances: { samples: [], training: [] } })
    expect(page).not.toContain('Samples over time')
    expect(page).not.toContain('nearest to training pictures</h2>')
    expect(page).not.toContain('<svg class="chart"')
  })
})

type Found = {
  overflow: number
  broken: number
  images: number
  /** Pictures that are shown in another form than their own. */
  squashed: number
  scripts: number
  background: string
  text: string
  title: string
}

/** What a page has come to, as an expression that runs in it. */
const LOOK = `({
  overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
  images: document.images.length,
  squashed: [...document.images].filter(({ width, height, naturalWidth, naturalHeight }) =>
    Math.abs(width * naturalHeight - height * naturalWidth) > 2 * naturalWidth).length,
  scripts: document.scripts.length,
  background: getComputedStyle(document.body).backgroundColor,
  text: document.body.innerText,
  title: document.title,
})`

describe('in a browser', async () => {
  const browser = await openBrowser()
  afterAll(closeBrowser)
  const reason = typeof browser === 'string' ? browser : undefined

  test.skipIf(reason !== undefined)(
    `it stands alone, fits and obeys its policy${reason ? `: ${reason}` : ''}`,
    async () => {
      if (typeof browser === 'string') return
      const path = join(temporaryFolder(), 'report.html')
      writeFileSync(path, reportPage(hostile()))
      const url = pathToFileURL(path).href
      for (const [width, colorScheme] of [
        [320, 'dark'],
        [1440, 'light'],
      ] as const) {
        const page = await browser.newPage({ locale: 'en-US', viewport: { width, height: 800 }, colorScheme })
        const heard = listenTo(page)
        await page.goto(url)
        const found: Found = await page.evaluate(LOOK)
        expect(heard).toEqual({ errors: [], requests: [url] })
        expect(found).toMatchObject({ overflow: 0, broken: 0, scripts: 0 })
        expect(found.images).toBeGreaterThan(5)
        expect(found.squashed).toBe(0)
        expect(found.text).toContain('a\\x1b[2J')
        expect(found.text).toContain(`<script>document.title='owned'</script>`)
        expect(found.title).toContain('<script>')
        const brightness = Number(/rgb\((\d+)/.exec(found.background)![1])
        expect(brightness < 128).toBe(colorScheme === 'dark')
        await page.close()
      }
    },
  )

  test.skipIf(reason !== undefined)('its policy refuses a script and an address that got into it', async () => {
    if (typeof browser === 'string') return
    const path = join(temporaryFolder(), 'report.html')
    const planted = '<script>document.title="owned"</script><img src="https://example.com/x.png">'
    writeFileSync(path, reportPage(reportContent()).replace('<footer>', `${planted}<footer>`))
    const page = await browser.newPage({ locale: 'en-US' })
    const heard = listenTo(page)
    await page.goto(pathToFileURL(path).href)
    expect(await page.title()).not.toBe('owned')
    expect(heard.errors.length).toBe(2)
    for (const error of heard.errors) expect(error).toContain('Content Security Policy')
    await page.close()
  })
})
