/** The words of a caption or a prompt: what both are cut into, so that one finds the other. */

/** Words that say nothing of what is seen. */
const silent = new Set(
  'a an and as at by for from has have her his in into is it its of on or our that the their there this to was wearing who with'.split(
    ' ',
  ),
)

/** As labels are compared: case, form and spaces do not count. */
export const plainLabel = (text: string): string => text.normalize('NFKC').trim().replace(/\s+/gu, ' ').toLowerCase()

/** Words of a sentence, in their order, without those that say nothing of what is seen. */
export const wordsOf = (text: string): string[] =>
  (plainLabel(text).match(/[\p{L}\p{N}]+(?:['’_-][\p{L}\p{N}]+)*/gu) ?? []).filter((word) => !silent.has(word))

/** A caption's words, each once: its tags, where commas, semicolons or lines part them, else the words of the sentence. */
export function captionWords(caption: string): string[] {
  const tags = caption
    .split(/[,;\n]/u)
    .map(plainLabel)
    .filter((tag) => tag !== '')
  return [...new Set(tags.length > 1 ? tags : wordsOf(caption))]
}
