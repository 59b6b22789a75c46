/** Numbers and names as the page writes them, and elements whose texts are texts. */

/** @param {number} value */
export const formatCount = (value) => value.toLocaleString('en-US')

/** @param {number} value */
export function formatShort(value) {
  const size = Math.abs(value)
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(3))}G`
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`
  return String(Number(value.toPrecision(3)))
}

/** @param {number} value */
export function formatBytes(value) {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} GB`
  return value >= 1e6 ? `${(value / 1e6).toFixed(0)} MB` : `${Math.ceil(value / 1e3)} kB`
}

/** @param {number} seconds */
export function formatDuration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(1)} h`
  return `${(seconds / 86_400).toFixed(1)} days`
}

/** @param {string} date ISO 8601 */
export const formatAgo = (date) => `${formatDuration(Math.max(0, (Date.now() - Date.parse(date)) / 1000))} ago`

const unseen = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\p{Cs}]/gu

/**
 * A text in which what nobody sees, or what turns the direction of the rest, is written out.
 * @param {string} text
 */
export const plainText = (text) => text.replace(unseen, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** @typedef {Node | string | null | false | undefined} Child */

/**
 * An element: attributes by name, texts as texts and never as markup.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name
 * @param {Record<string, string | number | boolean | ((event: Event) => void)>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(key, value)
    else if (typeof value === 'boolean') element.toggleAttribute(key, value)
    else element.setAttribute(key, String(value))
  }
  for (const child of children.flat())
    if (child instanceof Node) element.append(child)
    else if (child) element.append(plainText(child))
  return element
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id))

/**
 * @param {readonly (readonly [string, Child])[]} rows
 * @param {string} caption
 */
export const factsTable = (rows, caption) =>
  make(
    'table',
    { class: 'facts' },
    make('caption', { class: 'hidden' }, caption),
    make(
      'tbody',
      {},
      rows.map(([name, value]) => make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}, value))),
    ),
  )
