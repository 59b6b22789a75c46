/** Compares the tensors of a file with those of a network, and says what is wrong by name. */
import { canConvert, type State, unsupported } from './state.ts'

/** Name, element type and shape of a tensor that a network has. */
export type Expected = { name: string; dtype: string; shape: readonly number[] }

/** Names are listed up to this many. */
const SHOWN = 5

const listed = (names: readonly string[]) =>
  `${names.slice(0, SHOWN).join(', ')}${names.length > SHOWN ? ` and ${names.length - SHOWN} more` : ''}`

const shapeText = (shape: readonly number[]) => `[${shape.join(', ')}]`

/** Throws IMPORT_UNSUPPORTED unless the state has exactly these tensors; `network` says whose they are. */
export function requireTensors(path: string, network: string, state: State, expected: readonly Expected[]): void {
  const missing = expected
    .filter(({ name }) => !state.has(name))
    .map(({ name, shape }) => `${name} ${shapeText(shape)}`)
  const known = new Set(expected.map(({ name }) => name))
  const extra = [...state.keys()].filter((name) => !known.has(name))
  const different = expected.flatMap(({ name, dtype, shape }) => {
    const came = state.get(name)
    if (!came || (canConvert(came.dtype, dtype) && shapeText(came.shape) === shapeText(shape))) return []
    return [`${name} is ${dtype} ${shapeText(shape)} there, but ${came.dtype} ${shapeText(came.shape)} came`]
  })
  const problems = [
    ...(missing.length > 0 ? [`missing: ${listed(missing)}`] : []),
    ...(extra.length > 0 ? [`not known: ${listed(extra)}`] : []),
    ...(different.length > 0 ? [listed(different)] : []),
  ]
  if (problems.length > 0) throw unsupported(path, `does not hold ${network}:\n  ${problems.join('\n  ')}`)
}
