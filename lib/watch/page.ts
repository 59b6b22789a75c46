/** The page as it is served: its frame, which its script fills with what the server tells it. */
import { documentOf, type Page } from '../html/document.ts'
import { html } from '../html/markup.ts'
import { chartStyle, pageScript } from './assets.ts'
import { style } from './style.ts'

const frame = html`<a class="skip" href="#run">To the run</a>
<div class="layout">
<aside aria-label="Runs">
<h1>shinsaku</h1>
<p class="state" id="connection" role="status">Connecting…</p>
<div id="queue" hidden></div>
<details id="runs-box" open><summary>Runs</summary><nav id="runs" aria-label="Runs"></nav></details>
</aside>
<main id="run" tabindex="-1"><p class="note" id="empty">No run yet. It appears here as soon as one begins: <code>shinsaku train ./pictures</code></p><div id="shown" hidden></div></main>
</div>
<noscript>This page needs JavaScript. It comes from this machine alone, and asks nobody else.</noscript>`

/** `writeToken` proves to the server that a write comes from this page. */
export async function watchPage(writeToken: string): Promise<Page> {
  const [script, chart] = await Promise.all([pageScript(), chartStyle()])
  return documentOf({
    title: 'shinsaku watch',
    style: `${chart}${style}`,
    script,
    policy: ["connect-src 'self'", "frame-src 'self'"],
    pictures: ["'self'"],
    body: html`${frame}<div id="write-token" data-token="${writeToken}" hidden></div>`,
  })
}

/** Asks for the token where the address did not bring it. */
export function tokenPage(): Page {
  return documentOf({
    title: 'shinsaku watch',
    style,
    body: html`<main><h1>shinsaku watch</h1><p>This page needs a token. Open the address that <code>shinsaku watch</code> has printed, with <code>?token=</code> and the value of SHINSAKU_TOKEN at its end.</p></main>`,
  })
}
