/** A whole page that stands alone: its style and script inside, and a policy that refuses everything else. */
import { createHash } from 'node:crypto'
import { type Content, html, Markup } from './markup.ts'

export type PageParts = {
  readonly title: string
  readonly style: string
  /** A module's text; absent for a page without any script. */
  readonly script?: string
  /** More of the policy, such as `connect-src 'self'`: a page may load nothing but what is said here, and data: pictures. */
  readonly policy?: readonly string[]
  /** Where pictures may come from beside data:, such as `'self'`. */
  readonly pictures?: readonly string[]
  readonly body: Content
}

export type Page = {
  /** The HTML. Every text that was given as one is escaped. */
  readonly html: string
  /** Its Content-Security-Policy, for a header, which says more than a page can say itself. */
  readonly policy: string
}

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** Markup of what stands in the page's style or script, where nothing is escaped: it must be a text of our own. */
const raw = (text: string): Markup => new Markup(text)

export function documentOf({ title, style, script, policy: more = [], pictures = [], body }: PageParts): Page {
  const rules = [
    "default-src 'none'",
    ['img-src data:', ...pictures].join(' '),
    `style-src ${hashOf(style)}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    ...more,
    "base-uri 'none'",
    "form-action 'none'",
  ]
  const policy = rules.join('; ')
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${raw(style)}</style>
</head>
<body>
${body}
${script !== undefined && html`<script type="module">${raw(script)}</script>`}
</body>
</html>
`
  // A page cannot forbid by itself that others frame it.
  return { html: page.text, policy: `${policy}; frame-ancestors 'none'` }
}
