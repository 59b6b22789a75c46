/** Puts the page together, and brings what the server sends to where it is shown. */
import { Charts } from './charts.mjs'
import { byId, formatAgo, formatCount, make } from './format.mjs'
import { Grids } from './grids.mjs'
import { showQueue } from './queue.mjs'
import { dataSection, environmentSection, evaluationSection, Log, optionsSection, standing } from './sections.mjs'
import { addPoints, hashOf, known, setCurves, shownRuns } from './state.mjs'

const charts = new Charts()
const grids = new Grids()
const log = new Log()
const place = (/** @type {string} */ id) => make('div', { id })
const select = make('select', { id: 'with' })

/**
 * @param {string} title
 * @param {...Node} children
 */
const section = (title, ...children) => make('section', { 'aria-label': title }, make('h2', {}, title), ...children)

byId('shown').append(
  make('header', {}, make('h1', { id: 'run-name' }), place('standing')),
  make('p', { class: 'controls' }, make('label', { for: 'with' }, 'Lay over'), select),
  section('Samples', grids.element),
  section('Curves', charts.element),
  section('Evaluation', place('evaluation')),
  section('Data', place('data')),
  section('Options', place('options'), place('environment')),
  section('Log', log.element),
)

select.addEventListener('change', () => {
  const { run } = shownRuns()
  if (run !== null) location.hash = hashOf(run, select.value || null)
})

function showList() {
  const { run, other } = shownRuns()
  byId('runs').replaceChildren(
    make(
      'ul',
      {},
      known.runs.map(({ name, images, training, updated }) =>
        make(
          'li',
          {},
          make('a', { href: hashOf(name, null), ...(name === run && { 'aria-current': 'true' }) }, name),
          make(
            'span',
            { class: training ? 'training' : 'note' },
            `${formatCount(images)} images, ${training ? 'training' : formatAgo(updated)}`,
          ),
        ),
      ),
    ),
  )
  const names = known.runs.map(({ name }) => name).filter((name) => name !== run)
  const choices = [
    make('option', { value: '' }, 'no other run'),
    ...names.map((name) => make('option', { value: name }, name)),
  ]
  // A list that is open is left alone.
  if (document.activeElement !== select || select.options.length !== choices.length) select.replaceChildren(...choices)
  select.value = other ?? ''
}

function showDetails() {
  const { run, other } = shownRuns()
  const details = run === null ? undefined : known.details.get(run)
  if (!details) return
  grids.show(details.name, other)
  byId('evaluation').replaceChildren(evaluationSection(details))
  byId('data').replaceChildren(dataSection(details))
  byId('options').replaceChildren(optionsSection(details, other === null ? undefined : known.details.get(other)))
  byId('environment').replaceChildren(environmentSection(details.environment))
}

function showStanding() {
  const { run } = shownRuns()
  byId('shown').hidden = run === null
  byId('empty').hidden = run !== null
  if (run === null) return
  byId('run-name').textContent = make('span', {}, run).textContent
  document.title = `${run} · shinsaku`
  byId('standing').replaceChildren(standing(run))
}

function showAll() {
  const { run, other } = shownRuns()
  showList()
  showQueue()
  showStanding()
  showDetails()
  if (run === null) return
  charts.show(run, other)
  log.show(known.logs.get(run) ?? [])
}

/** @type {EventSource | undefined} */
let source
let asked = ''

/** Asks for the feed of the runs that are shown, where it is not that already. */
function connect() {
  const { run, other } = shownRuns()
  const query = new URLSearchParams({ ...(run !== null && { run }), ...(other !== null && { with: other }) }).toString()
  if (source && query === asked) return
  source?.close()
  asked = query
  source = new EventSource(`/api/events?${query}`)
  const connection = byId('connection')
  source.addEventListener('open', () => {
    connection.textContent = 'Live'
  })
  source.addEventListener('error', () => {
    connection.textContent = 'The server does not answer; trying again…'
  })
  /** @type {[string, (data: any) => void][]} */
  const handlers = [
    [
      'runs',
      (runs) => {
        known.runs = runs
        showList()
        showStanding()
        // The newest run is shown where none is named.
        connect()
      },
    ],
    [
      'queue',
      (queue) => {
        known.queue = queue
        showQueue()
      },
    ],
    [
      'details',
      (details) => {
        known.details.set(details.name, details)
        showDetails()
        showStanding()
      },
    ],
    [
      'curves',
      (whole) => {
        setCurves(whole)
        showCurves()
      },
    ],
    [
      'points',
      (gained) => {
        addPoints(gained)
        showCurves()
      },
    ],
    [
      'log',
      ({ name, lines }) => {
        known.logs.set(name, lines)
        if (name === shownRuns().run) log.show(lines)
      },
    ],
    [
      'problem',
      ({ message }) => {
        connection.textContent = message
      },
    ],
  ]
  for (const [event, handle] of handlers)
    source.addEventListener(event, (message) => handle(JSON.parse(/** @type {MessageEvent<string>} */ (message).data)))
}

function showCurves() {
  const { run, other } = shownRuns()
  if (run !== null) charts.show(run, other)
  showStanding()
}

addEventListener('hashchange', () => {
  showAll()
  connect()
})
// A page that is put away must not hold a connection open.
addEventListener('pagehide', () => source?.close())
if (matchMedia('(max-width: 60rem)').matches) byId('runs-box').removeAttribute('open')
showAll()
connect()
