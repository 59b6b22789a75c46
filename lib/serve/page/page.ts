/** The demo page: one file that talks to the server it comes from, and to nothing else. */
import { documentOf, type Page } from '../../html/document.ts'
import { body } from './body.ts'
import { script } from './script.ts'
import { style } from './style.ts'

let made: Page | undefined

export function demoPage(): Page {
  made ??= documentOf({ title: 'Pictures', style, script, policy: ["connect-src 'self'"], body })
  return made
}
