/** The queue of this machine: what trains, what waits, and the only buttons of the page that change something. */
import { byId, formatAgo, make } from './format.mjs'
import { known } from './state.mjs'

/** @import { QueueEntry } from '../../queue/queue.ts' */

const CONFIRM_MS = 4000

/**
 * @param {string} path
 * @param {object} body
 */
async function write(path, body) {
  const message = byId('queue-message')
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-shinsaku-write': byId('write-token').dataset.token ?? '' },
      body: JSON.stringify(body),
    })
    const answer = await response.json()
    message.textContent = response.ok ? '' : answer.error.message
  } catch {
    message.textContent = 'The server does not answer.'
  }
}

/**
 * Stops at the second press: the first one asks.
 * @param {QueueEntry} entry
 */
function stopButton({ id, state }) {
  let sure = false
  const button = make('button', { type: 'button', 'data-key': `stop-${id}` }, 'Stop')
  button.addEventListener('click', () => {
    if (sure) return void write(`/api/queue/${id}/stop`, {})
    sure = true
    button.textContent = state === 'training' ? 'Save and stop?' : 'Leave the queue?'
    setTimeout(() => {
      sure = false
      button.textContent = 'Stop'
    }, CONFIRM_MS)
  })
  return button
}

/**
 * @param {string} id
 * @param {string} text
 * @param {string} label
 * @param {number} position
 * @param {boolean} possible
 */
const moveButton = (id, text, label, position, possible) =>
  make(
    'button',
    {
      type: 'button',
      'aria-label': label,
      'data-key': `${text}-${id}`,
      disabled: !possible,
      click: () => void write(`/api/queue/${id}/move`, { position }),
    },
    text,
  )

/**
 * @param {QueueEntry} entry
 * @param {number} place among those that wait, from 1 on; 0 for the one that trains
 * @param {number} waiting
 */
function row(entry, place, waiting) {
  const { id, command, since } = entry
  return make(
    'li',
    {},
    make('code', {}, command),
    make('span', { class: 'note' }, place === 0 ? 'training' : `place ${place}, joined ${formatAgo(since)}`),
    make(
      'span',
      { class: 'buttons' },
      place > 0 && moveButton(id, '↑', `Move ${id} up`, place - 1, place > 1),
      place > 0 && moveButton(id, '↓', `Move ${id} down`, place + 1, place < waiting),
      stopButton(entry),
    ),
  )
}

/** Shows the queue where there is one; the button that has the focus keeps it. */
export function showQueue() {
  const box = byId('queue')
  const focused = document.activeElement?.getAttribute('data-key')
  const training = known.queue.filter(({ state }) => state === 'training')
  const waiting = known.queue.filter(({ state }) => state === 'waiting')
  box.hidden = known.queue.length === 0
  box.replaceChildren(
    make('h2', {}, 'Queue'),
    make(
      'ol',
      {},
      training.map((entry) => row(entry, 0, 0)),
      waiting.map((entry, i) => row(entry, i + 1, waiting.length)),
    ),
    make('p', { id: 'queue-message', role: 'alert', class: 'warning' }),
  )
  if (focused) /** @type {HTMLElement | null} */ (box.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus()
}
