/** The model card: README.md of a site, written from the records of the run. */
import { visible } from '../errors.ts'
import type { SiteFacts } from './facts.ts'

/** A text as Markdown shows it, letter for letter, on one line. */
export const plain = (text: string): string =>
  visible(text)
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_[\]<>|&~]/g, (character) => `\\${character}`)

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(plainCell).join(' | ')} |`).join('\n')

const plainCell = (text: string) => (text === '---' ? text : plain(text))

/** Front matter as model hubs read it: JSON is YAML. */
const frontMatter = ({ title, license }: SiteFacts): string =>
  [
    '---',
    ...(license === null ? [] : [`license: ${JSON.stringify(license)}`]),
    'library_name: shinsaku',
    'pipeline_tag: unconditional-image-generation',
    'tags: [onnx, image-generation, shinsaku]',
    `model_name: ${JSON.stringify(visible(title))}`,
    '---',
  ].join('\n')

export function modelCard(facts: SiteFacts): string {
  const sections = facts.sections.map(({ title, text, head, rows }) =>
    [`## ${plain(title)}`, ...text.map(plain), ...(rows.length > 0 ? [table(head, rows)] : [])].join('\n\n'),
  )
  const intro = `${plain(facts.summary)} This folder is a static site: any web server can serve it, and the page samples on the visitor's device.`
  return `${[frontMatter(facts), `# ${plain(facts.title)}`, intro, ...sections].join('\n\n')}\n`
}
