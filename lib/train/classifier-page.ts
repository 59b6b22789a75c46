/** The report of a classifier as one page: no script, and nothing from a network. */
import { documentOf } from '../html/document.ts'
import { look } from '../html/look.ts'
import { html, Markup } from '../html/markup.ts'
import type { ClassifierRecord, Side } from './classifier-record.ts'

const style = `${look}table{border-collapse:collapse}td,th{padding:.2rem .6rem;text-align:right}th[scope=row]{text-align:left}td.right{font-weight:bold}img{image-rendering:pixelated;max-width:100%}`

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

const shareText = ({ value, low, high, n }: Side['accuracy']): string =>
  `${percent(value)} (95 % interval ${percent(low)} to ${percent(high)}, n = ${n})`

function confusionTable({ confusion }: Side, classes: readonly string[]): Markup {
  const head = classes.map((name) => html`<th scope="col">${name}</th>`)
  const rows = confusion.map(
    (row, i) =>
      html`<tr><th scope="row">${classes[i]!}</th>${row.map((n, j) => (i === j ? html`<td class="right">${n}</td>` : html`<td>${n}</td>`))}</tr>`,
  )
  return html`<table><thead><tr><th scope="row">is, taken for</th>${head}</tr></thead><tbody>${rows}</tbody></table>`
}

/** `worst`: the worst pictures as one PNG, in the order of the record. */
export function classifierPage(record: ClassifierRecord, worst: Uint8Array): string {
  const { images, classes, train, test, worst: named, letters } = record
  const shown = test ?? train
  const grid = new Markup(
    `<img alt="The pictures named below, row by row" src="data:image/png;base64,${Buffer.from(worst).toString('base64')}">`,
  )
  const list = named.map(
    ({ path, class: truth, said, probability }) =>
      html`<li>${path}: is ${truth}, taken for ${said} (${percent(probability)} sure)</li>`,
  )
  const letterRows = letters.map(
    ({ letter, accuracy, n }) =>
      html`<tr><th scope="row">${letter}</th><td>${percent(accuracy)}</td><td>${n}</td></tr>`,
  )
  const title = `Accuracy after ${images.toLocaleString('en-US')} images`
  const body = html`<main><h1>${title}</h1>
<p>Pictures to train on: ${shareText(train.accuracy)}.</p>
<p>${test === null ? 'No pictures are held out, so nothing is known of pictures it has not seen.' : html`Held-out pictures: ${shareText(test.accuracy)}.`}</p>
<section><h2>What is taken for what${test === null ? '' : ', of held-out pictures'}</h2>${confusionTable(shown, classes)}</section>
${letters.length === 0 ? '' : html`<section><h2>Letters, the worst first</h2><table><thead><tr><th scope="row">letter</th><th scope="col">right</th><th scope="col">pictures</th></tr></thead><tbody>${letterRows}</tbody></table></section>`}
<section><h2>The pictures that it is worst at</h2>${grid}<ol>${list}</ol></section></main>`
  return documentOf({ title, style, body }).html
}
