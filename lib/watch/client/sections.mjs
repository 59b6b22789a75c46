/** What the page says of a run in words and tables: where it stands, evaluation, data, options and log. */
import { factsTable, formatAgo, formatBytes, formatCount, formatDuration, formatShort, make } from './format.mjs'
import { known } from './state.mjs'

/** @import { RunDetails, Fact } from '../details.ts' */

/** @param {string} run */
function newestOf(run) {
  const curves = known.curves.get(run)
  const speed = curves?.series.get('speed images per second')?.values.at(-1) ?? null
  const images = Math.max(0, ...[...(curves?.series.values() ?? [])].map((series) => series.images.at(-1) ?? 0))
  return { speed, images, warnedAt: curves?.warnedAt ?? null }
}

/** @param {string} run */
export function standing(run) {
  const listed = known.runs.find(({ name }) => name === run)
  const details = known.details.get(run)
  const { speed, images: charted, warnedAt } = newestOf(run)
  const images = Math.max(charted, listed?.images ?? 0)
  const end = details?.maxImages ?? null
  const training = listed?.training ?? false
  const left = end !== null && speed ? Math.max(0, end - images) / speed : null
  const parts = [
    training ? 'Training' : `Last change ${listed ? formatAgo(listed.updated) : 'unknown'}`,
    `${formatCount(images)}${end === null ? '' : ` of ${formatCount(end)}`} images`,
    ...(listed?.loss != null ? [`loss ${formatShort(listed.loss)}`] : []),
    ...(training && speed ? [`${formatShort(speed)} images/s`] : []),
    ...(training && left ? [`about ${formatDuration(left)} left`] : []),
    ...(listed ? [`${formatBytes(listed.bytes)} on disk`] : []),
  ]
  return make(
    'div',
    {},
    make('p', { class: 'state' }, parts.join(' · ')),
    end !== null && make('progress', { max: end, value: Math.min(images, end), 'aria-label': 'Images of all' }),
    warnedAt !== null &&
      make(
        'p',
        { class: 'warning' },
        `The copy guard warned at ${formatCount(warnedAt)} images. The checkpoint before it: shinsaku sample RUN --at best`,
      ),
    (details?.problems ?? []).map((problem) => make('p', { class: 'warning' }, problem)),
  )
}

/** @param {RunDetails} details */
export function evaluationSection({ name, evaluations }) {
  if (evaluations.length === 0)
    return make(
      'p',
      { class: 'note' },
      'Not evaluated yet: ',
      make('code', {}, 'shinsaku evaluate RUN'),
      ' says how good its samples are, and how new.',
    )
  return make(
    'div',
    {},
    [...evaluations].reverse().map(({ images, name: at, verdict, because, facts }, i) =>
      make(
        'details',
        i === 0 ? { open: true } : {},
        make('summary', {}, `After ${formatCount(images)} images: ${verdict}`),
        make(
          'ul',
          {},
          because.map((line) => make('li', {}, line)),
        ),
        factsTable(facts, `Measures after ${formatCount(images)} images`),
        make(
          'p',
          {},
          make(
            'a',
            { href: `/runs/${encodeURIComponent(name)}/evaluation/${at}`, target: '_blank', rel: 'noopener' },
            'The whole report',
          ),
        ),
      ),
    ),
  )
}

/** @param {RunDetails} details */
export function dataSection({ data }) {
  if (data === null) return make('p', { class: 'note' }, 'Nothing is on record about its pictures yet.')
  const { count, heldOut, size, channels, optOut, alike, skipped, ignored, rights, moreRights, digest } = data
  /** @type {[string, string][]} */
  const rows = [
    ['Data', data.data],
    [
      'Training pictures',
      `${formatCount(count)}${size === null ? '' : `, as ${size} x ${size} pixels, ${channels} channels`}`,
    ],
    ['Held out', heldOut === 0 ? 'none' : formatCount(heldOut)],
    ['With near-duplicates', alike === 0 ? 'none' : formatCount(alike)],
    ['Forbidden by their makers', optOut === 0 ? 'none says so' : formatCount(optOut)],
    [
      'Not used',
      skipped.length === 0 ? 'none' : skipped.map((one) => `${formatCount(one.count)} ${one.reason}`).join('; '),
    ],
    ['Files of other kinds', formatCount(ignored)],
    ['Digest', digest],
  ]
  const heads = ['Licence', 'Author', 'Source', 'Pictures'].map((text) => make('th', { scope: 'col' }, text))
  return make(
    'div',
    {},
    factsTable(rows, 'Data'),
    make(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Rights' },
      make(
        'table',
        {},
        make('thead', {}, make('tr', {}, heads)),
        make(
          'tbody',
          {},
          rights.slice(0, 20).map(({ licence, author, source, count: of }) =>
            make(
              'tr',
              {},
              [licence, author, source].map((text) => make('td', {}, text ?? 'not stated')),
              make('td', {}, formatCount(of)),
            ),
          ),
        ),
      ),
    ),
    moreRights > 0 && make('p', { class: 'note' }, `And ${formatCount(moreRights)} pictures with other rights.`),
  )
}

/**
 * @param {RunDetails} details
 * @param {RunDetails | undefined} other
 */
export function optionsSection(details, other) {
  if (!other) return make('div', { class: 'options' }, factsTable(details.options, 'Options'))
  const theirs = new Map(other.options)
  const names = [...new Set([...details.options, ...other.options].map(([name]) => name))]
  const mine = new Map(details.options)
  const rows = names.filter((name) => mine.get(name) !== theirs.get(name))
  if (rows.length === 0) return make('p', { class: 'note' }, `All options are those of ${other.name}.`)
  const heads = ['Option', details.name, other.name].map((text) => make('th', { scope: 'col' }, text))
  return make(
    'div',
    { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Options that differ' },
    make('p', { class: 'note' }, `${rows.length} of ${names.length} options differ.`),
    make(
      'table',
      {},
      make('thead', {}, make('tr', {}, heads)),
      make(
        'tbody',
        {},
        rows.map((name) =>
          make(
            'tr',
            {},
            make('th', { scope: 'row' }, name),
            make('td', {}, mine.get(name) ?? '-'),
            make('td', {}, theirs.get(name) ?? '-'),
          ),
        ),
      ),
    ),
  )
}

/** @param {readonly Fact[]} environment */
export const environmentSection = (environment) =>
  make('details', {}, make('summary', {}, 'The machine it was started on'), factsTable(environment, 'Machine'))

/** The log, which stays at its end as long as nobody scrolls up. */
export class Log {
  element = make('pre', { class: 'log-lines', tabindex: 0, role: 'log', 'aria-label': 'Log' })

  /** @param {readonly string[]} lines */
  show(lines) {
    const { element } = this
    const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 8
    element.replaceChildren(
      ...(lines.length === 0
        ? ['Nothing yet.']
        : lines.map((line) =>
            make(
              'span',
              line.includes(' Warning: ') ? { class: 'warning' } : {},
              `${line}\n`.replace(/\n$/, ''),
              document.createTextNode('\n'),
            ),
          )),
    )
    if (atEnd) element.scrollTop = element.scrollHeight
  }
}
