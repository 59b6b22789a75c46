/** The report as one page: no script, nothing from a network, and a policy that would refuse both. */

import { documentOf } from '../../html/document.ts'
import { type Content, html, Markup } from '../../html/markup.ts'
import { centreOf, type Verdict } from '../metrics.ts'
import { verdictRule } from '../verdict.ts'
import { cardsOf } from './cards.ts'
import { histogram, lineChart, short } from './chart.ts'
import type { DataFacts, ReportContent, ShownPairs, ShownPicture } from './content.ts'
import { style } from './style.ts'

const count = (value: number): string => value.toLocaleString('en-US')

const headlines: Readonly<Record<Verdict['word'], readonly [title: string, meaning: string]>> = {
  good: ['Good', 'The samples are new works, and as a whole they are like the training pictures.'],
  new: [
    'New, but not good yet',
    'The samples are no copies, but they are not yet as good or as varied as the training pictures.',
  ],
  copied: ['Copied', 'The model gives training pictures back. Do not pass its samples off as new works.'],
  unknown: [
    'Not enough is known',
    'The numbers do not decide whether the samples are new works. Look at the pairs below.',
  ],
}

/** Pictures of this side and less are shown with sharp edges. */
const PIXELATED = 96

const picture = ({ source, width, height }: ShownPicture, alt: string, side = width): Markup =>
  html`<img${side <= PIXELATED ? new Markup(' class="pixels"') : ''} src="${source}" width="${width}" height="${height}" alt="${alt}">`

function verdict({ word, because }: Verdict): Markup {
  const [title, meaning] = headlines[word]
  return html`<section class="verdict ${word}" aria-label="Verdict"><strong>${title}</strong><p>${meaning}</p><ul>${because.map((line) => html`<li>${line}</li>`)}</ul><details><summary>The rule</summary><p>${verdictRule}</p></details></section>`
}

/** Steps of brightness for pixels; features have a unit of their extractor. */
const distanceText = (by: ShownPairs['by'], distance: number): string =>
  by === 'pixels' ? `${distance.toFixed(1)} of 255` : short(distance)

function pairs({ by, pairs: list }: ShownPairs): Markup {
  const how = by === 'pixels' ? 'By pixels' : 'By features'
  const why =
    by === 'pixels'
      ? 'Nearest by the mean difference of the pixels, mirrored ones included.'
      : 'Nearest as the extractor sees them: it also finds copies that were moved or recoloured.'
  return html`<h3>${how}</h3><p class="note">${why}</p><div class="pairs">${list.map(
    ({ sample, reference, sampleName, referenceName, distance, mirrored }) =>
      html`<div class="pair"><div>${picture(sample, `Sample, ${sampleName}`)}${picture(reference, `Training picture ${referenceName}`)}</div><b>${distanceText(by, distance)}</b>${mirrored === true ? ', mirrored' : ''}<br>${sampleName}<br>${referenceName}</div>`,
  )}</div>`
}

const facts = (rows: readonly (readonly [name: string, value: Content])[]): Markup =>
  html`<table class="facts"><tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</tbody></table>`

const channelNames: Readonly<Record<number, string>> = { 1: 'grey', 3: 'colour', 4: 'colour with transparency' }

/** More rows than this say nothing more to a person; dataset.json has all. */
const MAX_RIGHTS = 20

function dataSection({
  name,
  count: pictures,
  heldOut,
  size,
  channels,
  digest,
  skipped,
  optOut,
  rights,
  warnings,
}: DataFacts): Markup {
  const shown = rights.slice(0, MAX_RIGHTS)
  return html`<section><h2>What it learned from</h2><p>The pictures, and who has rights in them. A sample can be no freer than they are.</p>${facts(
    [
      ['Data', name],
      [
        'Training pictures',
        `${count(pictures)}, as ${size} x ${size} pixels, ${channelNames[channels] ?? `${channels} channels`}`,
      ],
      ['Held out', heldOut === 0 ? 'none' : `${count(heldOut)}, which the model has never seen`],
      ['Not used', skipped === 0 ? 'none' : `${count(skipped)} files; dataset.json says why`],
      [
        'Forbidden by their makers',
        optOut === 0 ? 'none says so' : `${count(optOut)} pictures forbid training or data mining`,
      ],
      ['Digest', digest],
    ],
  )}<div class="scroll"><table><thead><tr><th scope="col">Licence</th><th scope="col">Author</th><th scope="col">Source</th><th scope="col">Pictures</th></tr></thead><tbody>${shown.map(
    (row) =>
      html`<tr><td>${row.licence ?? 'not stated'}</td><td>${row.author ?? 'not stated'}</td><td>${row.source ?? 'not stated'}</td><td>${count(row.count)}</td></tr>`,
  )}</tbody></table></div>${rights.length > shown.length && html`<p class="note">And ${count(rights.length - shown.length)} more in dataset.json.</p>`}${warnings.map((line) => html`<p class="note">${line}</p>`)}</section>`
}

function curveSection({ curves, distances }: ReportContent): Markup {
  const share = (value: number) => `${Number((100 * value).toPrecision(3))}%`
  const charts = [
    lineChart({
      title: 'Loss while training',
      description: 'the loss over the images the network has seen',
      series: curves.loss,
      logarithmic: true,
    }),
    lineChart({
      title: 'Loss on held-out pictures minus that on training pictures',
      description:
        'the difference of both losses over images, at several noise levels; as it grows, the model learns pictures by heart',
      series: curves.heldOut,
    }),
    lineChart({
      title: 'Copy share while training',
      description: 'the share of samples that are copies, over images',
      series: curves.copies,
      format: share,
    }),
    histogram(
      'Distance to the nearest training picture',
      'how far samples are from it, and training pictures from each other',
      [
        { name: 'samples', values: distances.samples },
        { name: 'training pictures among each other', values: distances.training },
      ],
    ),
  ].filter((chart) => chart !== null)
  return html`<section><h2>How it went</h2><p>Curves over the images the network has seen. Where the loss on held-out pictures stays behind, the model learns by heart. In the histogram, samples that lie far left of the training pictures are copies.</p><div class="charts">${charts}</div></section>`
}

function sampleSection({ samples, reals, run: { seeds } }: ReportContent): Markup {
  return html`<section><h2>What it makes</h2><p>The first samples as they came, none chosen.</p><div class="grids"><figure>${picture(samples, 'Samples')}<figcaption>samples from seed ${seeds.first} on</figcaption></figure>${reals !== null && html`<figure>${picture(reals, 'Training pictures')}<figcaption>training pictures, for comparison</figcaption></figure>`}</div></section>`
}

function timeSection({ overTime }: ReportContent): Content {
  if (overTime.length === 0) return null
  return html`<section><h2>Samples over time</h2><p>The same seeds at every stage: the same places of each grid can be followed.</p><div class="grids">${overTime.map(
    ({ images, picture: grid }) =>
      html`<figure>${picture(grid, `Samples after ${count(images)} images`)}<figcaption>after ${count(images)} images</figcaption></figure>`,
  )}</div></section>`
}

function copySection({ pairs: all }: ReportContent): Content {
  const shown = all.filter(({ pairs: list }) => list.length > 0)
  if (shown.length === 0) return null
  return html`<section><h2>The samples nearest to training pictures</h2><p>Not typical samples but the nearest of all: each on the left, its training picture on the right. If even these differ, the others do.</p>${shown.map(pairs)}</section>`
}

function numberSections({ judgement }: ReportContent): Markup {
  const { basis, n } = judgement
  const { extractor, reference, heldOut, samples, statistics } = basis
  const against = `${count(reference.count)} ${reference.name}${heldOut ? ` and ${count(heldOut.count)} held-out ones` : ''}`
  const seen = extractor
    ? `Features by ${extractor.name} (${extractor.width} values, weights ${extractor.sha256.slice(0, 12)}…).${statistics === undefined ? '' : ` FID is measured against ${statistics}.`}`
    : 'No extractor: run shinsaku setup --metrics for what only a network sees.'
  return html`<section><h2>Is it new?</h2><p>${count(n)} samples (${samples.size} pixels, ${samples.format}) against ${against}.${basis.paired && ` Compared one by one, chosen at random: ${count(basis.paired.samples)} samples and ${count(basis.paired.reference)} of those pictures; FID alone is of all.`}</p>${cardsOf('newness', judgement)}</section>
<section><h2>Is it good?</h2><p>${seen} The samples have ${(100 * basis.spread).toFixed(0)} % of the variety (variance of the pixels) of the training pictures.</p>${cardsOf('quality', judgement)}</section>
<section><h2>For the study’s table</h2><p>${extractor?.name === 'inception' ? 'FID with the weights of pytorch-fid.' : 'Comparable with published numbers only with the extractor "inception".'}</p>${cardsOf('index', judgement)}</section>`
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`

function labelSection({ labels, judgement }: ReportContent): Content {
  if (labels.length === 0) return ''
  const all = centreOf(judgement.copyShare)
  return html`<section><h2>Copies of each label</h2><p>Samples that are near copies of a training picture, where the model is asked for one label${all === null ? '' : `; where it is asked for nothing, ${percent(all)} are`}. A label that few pictures have is known by heart first.</p><div class="scroll"><table><thead><tr><th scope="col">Label</th><th scope="col">Training pictures</th><th scope="col">Samples</th><th scope="col">Copies</th></tr></thead><tbody>${labels.map(
    ({ attributes, pictures, samples, copyShare: { value, low, high } }) =>
      html`<tr><td>${Object.entries(attributes)
        .map(([name, asked]) => (asked === 1 ? name : `${name}: ${asked}`))
        .join(
          ', ',
        )}</td><td>${pictures === null ? '' : count(pictures)}</td><td>${count(samples)}</td><td>${percent(value)} (${percent(low)} to ${percent(high)})</td></tr>`,
  )}</tbody></table></div></section>`
}

function recordSection({ run, machine, date, shinsaku }: ReportContent): Markup {
  const { seeds } = run
  const last = seeds.first + seeds.count - 1
  return html`<section><h2>How to get the same again</h2><p>Seeds, options and the machine.</p>${facts([
    ['Run', run.name],
    ['Model', `${run.model}, ${run.weights} weights after ${count(run.images)} images`],
    ['Seeds', seeds.count === 1 ? String(seeds.first) : `${seeds.first} to ${last}`],
    ...(run.trainingSeconds === null
      ? []
      : [['Training time', `${count(Math.round(run.trainingSeconds))} s`] as const]),
    ...machine,
    ['Measured', `${date}, shinsaku ${shinsaku}`],
  ])}<details><summary>Options of sampling and of the run</summary><ul class="options">${[
    ...run.sampling,
    ...run.options,
  ].map(([name, value]) => html`<li><span>${name}</span>${value}</li>`)}</ul></details></section>`
}

/** The page's HTML. Every name in it is shown as text. */
export function reportPage(content: ReportContent): string {
  const { judgement, data, run } = content
  const share = centreOf(judgement.copyShare)
  const title = `${run.name}: ${headlines[judgement.verdict.word][0].toLowerCase()}`
  return documentOf({
    title,
    style,
    body: html`<main>
<header><h1>${run.name}</h1><p>${run.model} after ${count(run.images)} images, trained on ${count(data.count)} pictures of ${data.name}; ${count(judgement.n)} samples measured${share === null ? '' : `, ${(100 * share).toFixed(1)} % of them copies`}.</p></header>
${verdict(judgement.verdict)}
${sampleSection(content)}
${copySection(content)}
${labelSection(content)}
${numberSections(content)}
${timeSection(content)}
${curveSection(content)}
${dataSection(data)}
${recordSection(content)}
<footer>Everything on this page is in report.json too. Made by shinsaku, without any network.</footer>
</main>`,
  }).html
}
