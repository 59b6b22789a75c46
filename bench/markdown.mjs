// Tables in Markdown.

/** @param {readonly string[]} cells */
export const line = (cells) => `| ${cells.join(' | ')} |`

/** Columns after the first are numbers. @param {readonly string[]} cells */
export const heading = (cells) => [line(cells), line(cells.map((_, i) => (i < 1 ? '---' : '---:')))]

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 */
export const textTable = (head, rows) => [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
