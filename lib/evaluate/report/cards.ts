/** One card for each number: its value, interval and bounds to read it by, and a sentence on what it means. */

import { type Content, html, type Markup } from '../../html/markup.ts'
import { explanations, formatValue } from '../explain.ts'
import { boundsOf, centreOf, type Judgement, type Measured, type MetricName, metricNames } from '../metrics.ts'
import { shareBar } from './chart.ts'

type Line = readonly [label: string, measured: Measured]

/** The lines under a value: the same distance between other sets. */
function linesOf(name: MetricName, { floor, versusHeldOut, basis }: Judgement): readonly Line[] {
  const lines: Line[] = []
  if (versusHeldOut && name in versusHeldOut)
    lines.push([`to ${basis.heldOut?.count ?? 0} held-out pictures`, versusHeldOut[name as keyof typeof versusHeldOut]])
  if (floor && name in floor)
    lines.push([`floor: halves of the data (${floor.pictures} each)`, floor[name as 'fid' | 'kid' | 'mind' | 'swd']])
  if (name === 'nwi' && basis.nwi)
    lines.push(
      ['NN-MAE, mean of channels, 0 to 255', basis.nwi.mae],
      ['FID', basis.nwi.fid],
      ['NWI with the sum of channels', basis.nwi.channelSum],
    )
  return lines.filter(([, measured]) => measured !== null)
}

const withInterval = (name: MetricName, measured: Measured): string => {
  const value = formatValue(name, centreOf(measured)!)
  if (typeof measured === 'number' || measured === null) return value
  return `${value} (${formatValue(name, measured.low)} to ${formatValue(name, measured.high)})`
}

function card(name: MetricName, judgement: Judgement): Markup {
  const { title, text, form } = explanations[name]
  const measured = judgement[name]
  const bounds = boundsOf(measured)
  const value = centreOf(measured)
  const scale = form === 'percent' ? 100 : 1
  const how = judgement.basis.intervals[name]
  return html`<article class="card"><h3>${title}</h3>${
    value === null
      ? html`<p class="value none">not measured</p><p class="within">${judgement.reasons[name] ?? ''}</p>`
      : html`<p class="value">${formatValue(name, value)}</p>${
          typeof measured === 'object' &&
          html`<p class="within">${formatValue(name, bounds!.low)} to ${formatValue(name, bounds!.high)}${how === undefined ? '' : ` (${how})`}</p>`
        }`
  }${
    value !== null &&
    (form === 'share' || form === 'percent') &&
    shareBar(value / scale, bounds!.low / scale, bounds!.high / scale)
  }<p class="text">${text}</p>${
    linesOf(name, judgement).length > 0 &&
    html`<dl>${linesOf(name, judgement).map(([label, other]) => html`<div><dt>${label}</dt><dd>${withInterval(name, other)}</dd></div>`)}</dl>`
  }</article>`
}

/** Cards of the numbers that answer one question. */
export const cardsOf = (about: 'newness' | 'quality' | 'index', judgement: Judgement): Content =>
  html`<div class="cards">${(Object.keys(explanations) as MetricName[])
    .filter((name) => metricNames.includes(name) && explanations[name].about === about)
    .map((name) => card(name, judgement))}</div>`
