/** index.html of a site: the player, and what is known of the model. Everything else lies beside it. */
import { documentOf } from '../html/document.ts'
import { look } from '../html/look.ts'
import { html, type Markup } from '../html/markup.ts'
import type { Section, SiteFacts } from './facts.ts'

export type Player = {
  /** Names of files beside the page. */
  readonly model: string
  readonly script: string
  /** What saved pictures are called. */
  readonly name: string
  /** Side of a picture, in pixels. */
  readonly size: number
  /** PNG of that size with the visible mark; null for none. */
  readonly overlay: Uint8Array | null
  readonly steps: readonly { readonly steps: number; readonly time: string }[]
  /** Such as "16.9 MB". */
  readonly download: string
}

const style = `${look}
.player{display:grid;grid-template-columns:minmax(0,24rem) minmax(0,1fr);gap:1.5rem;margin-top:1.5rem;align-items:start}
@media (max-width:44rem){.player{grid-template-columns:minmax(0,1fr)}}
canvas{width:100%;aspect-ratio:1;image-rendering:pixelated;background:var(--card);border:1px solid var(--line)}
.controls{display:grid;gap:.8rem}
label{display:grid;gap:.2rem;color:var(--soft);font-size:.92rem}
input,select,button{font:inherit;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:.3rem;padding:.5rem .7rem;min-height:2.75rem}
button{cursor:pointer;font-weight:600}
button.first{background:var(--accent);border-color:var(--accent);color:var(--paper)}
button:disabled{opacity:.5;cursor:default}
.buttons{display:flex;flex-wrap:wrap;gap:.6rem}
progress{width:100%;accent-color:var(--accent)}
.status{min-height:1.6em;margin:0}
`

const table = ({ head, rows }: Section): Markup => html`<table>
<thead><tr>${head.map((cell) => html`<th scope="col">${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody>
</table>`

/** Long tables are opened by who wants them. */
const LONG = 12

const sectionOf = (section: Section): Markup => html`<section>
<h2>${section.title}</h2>
${section.text.map((text) => html`<p>${text}</p>`)}
${section.rows.length > LONG ? html`<details><summary>All ${section.rows.length} rows</summary>${table(section)}</details>` : section.rows.length > 0 && table(section)}
</section>`

const MAX_SEED = 2 ** 32 - 1

const playerOf = ({
  model,
  name,
  size,
  overlay,
  steps,
  download,
}: Player): Markup => html`<div class="player" id="player" data-model="${model}" data-name="${name}" data-mark="${overlay === null ? '' : `data:image/png;base64,${Buffer.from(overlay).toString('base64')}`}">
<canvas id="picture" width="${size}" height="${size}" role="img" aria-label="No picture yet"></canvas>
<div class="controls">
<label>Seed: one number, one picture<input id="seed" type="number" inputmode="numeric" min="0" max="${MAX_SEED}" step="1" value="0"></label>
<label>Steps: more take longer and look finer<select id="steps">${steps.map(({ steps: each, time }) => html`<option value="${each}">${each === 1 ? '1 step' : `${each} steps`}, ${time}</option>`)}</select></label>
<div class="buttons"><button id="go" class="first">Sample</button><button id="next">Next seed</button><button id="save" disabled>Save PNG</button></div>
<progress id="progress" max="1" value="0" aria-label="Progress" hidden></progress>
<p class="status" id="status" role="status"></p>
<p class="note">The first picture loads ${download}, once. It is made on your device, by a model, and nothing is sent anywhere. The times are guesses.</p>
</div>
</div>
<noscript>The page samples with JavaScript and WebAssembly, which are off.</noscript>`

export function sitePage(facts: SiteFacts, player: Player): string {
  const body = html`<main>
<header><h1>${facts.title}</h1><p>${facts.summary}</p></header>
${playerOf(player)}
${facts.sections.map(sectionOf)}
</main>
<script type="module" src="${player.script}"></script>`
  // WebAssembly counts as eval of its own kind; no other script may be made of text.
  const policy = ["script-src 'self' 'wasm-unsafe-eval'", "connect-src 'self'"]
  return documentOf({ title: facts.title, style, policy, body }).html
}
