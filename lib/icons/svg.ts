/** The pen: smooth curves through written points, and the outlined shapes every part of an icon is made of. */

type Point = { x: number; y: number; corner: boolean }

/** Width of the line around every shape. */
export const LINE = 1.8

const round = (value: number) => Math.round(value * 10) / 10

/** Reads "31.5,68! 29,55": points of a curve; "!" marks a corner. */
function parse(points: string): Point[] {
  return points
    .trim()
    .split(/\s+/)
    .map((text) => {
      const [x, y] = text.replace('!', '').split(',').map(Number)
      return { x: x!, y: y!, corner: text.endsWith('!') }
    })
}

/** The unit vector a smooth curve has at `at`: along the chord of its neighbours. */
function tangent(before: Point, after: Point): { x: number; y: number } {
  const [x, y] = [after.x - before.x, after.y - before.y]
  const length = Math.sqrt(x * x + y * y)
  return { x: x / length, y: y / length }
}

/** One cubic piece from b to c; a and d are the points before and after. A corner takes no tangent from beyond it. */
function piece(a: Point, b: Point, c: Point, d: Point): string {
  const [dx, dy] = [c.x - b.x, c.y - b.y]
  if (b.corner && c.corner) return `L${round(c.x)} ${round(c.y)}`
  const reach = Math.sqrt(dx * dx + dy * dy) / 3
  const leave = b.corner ? undefined : tangent(a, c)
  const enter = c.corner ? undefined : tangent(b, d)
  const far = enter ? { x: c.x - enter.x * reach, y: c.y - enter.y * reach } : undefined
  const near = leave ? { x: b.x + leave.x * reach, y: b.y + leave.y * reach } : undefined
  const first = near ?? { x: b.x + (far!.x - b.x) / 2, y: b.y + (far!.y - b.y) / 2 }
  const second = far ?? { x: c.x + (near!.x - c.x) / 2, y: c.y + (near!.y - c.y) / 2 }
  return `C${[first.x, first.y, second.x, second.y, c.x, c.y].map(round).join(' ')}`
}

function trace(points: readonly Point[], closed: boolean): string {
  const count = points.length
  const at = (index: number) => points[(index + count) % count]!
  const pieces = Array.from({ length: closed ? count : count - 1 }, (_, i) =>
    piece(at(i - 1), at(i), at(i + 1), at(i + 2)),
  )
  return `M${round(at(0).x)} ${round(at(0).y)}${pieces.join('')}${closed ? 'Z' : ''}`
}

/** Path data of a closed smooth curve through `points`. */
export const shape = (points: string) => trace(parse(points), true)

/** Path data of an open smooth curve through `points`. */
export function curve(points: string): string {
  const parsed = parse(points)
  parsed[0]!.corner = true
  parsed.at(-1)!.corner = true
  return trace(parsed, false)
}

/** Path data of a closed shape with the axis x = 64, from its right half, given from top to bottom. */
export function symmetric(points: string): string {
  const right = parse(points)
  const left = right.filter(({ x }) => x !== 64).map((point) => ({ ...point, x: 128 - point.x }))
  return trace([...right, ...left.reverse()], true)
}

/** Path data of a circle. */
export const circle = (x: number, y: number, r: number) =>
  `M${round(x - r)} ${y}a${r} ${r} 0 1 1 ${2 * r} 0a${r} ${r} 0 1 1 ${-2 * r} 0Z`

/** Path data of circles written "x,y,r x,y,r". */
export const circles = (list: string) =>
  list
    .trim()
    .split(/\s+/)
    .map((text) => circle(...(text.split(',').map(Number) as [number, number, number])))
    .join('')

/** A filled shape without a line. */
export const fill = (d: string, colour: string, opacity = 1) =>
  `<path d="${d}" fill="${colour}"${opacity === 1 ? '' : ` fill-opacity="${opacity}"`}/>`

/** A stroke of the pen. */
export const stroke = (d: string, colour: string, width = LINE) =>
  `<path d="${d}" fill="none" stroke="${colour}" stroke-width="${width}"/>`

/** Shapes as one: the line runs around all of them together, never between them. */
export const outlined = (d: string, colour: string, line: string) =>
  `<path d="${d}" fill="${line}" stroke="${line}" stroke-width="${2 * LINE}"/><path d="${d}" fill="${colour}"/>`

/** The drawing seen in a mirror at x = 64. */
export const mirrored = (drawing: string) => `<g transform="matrix(-1 0 0 1 128 0)">${drawing}</g>`

/** The drawing and its mirror image. */
export const both = (drawing: string) => drawing + mirrored(drawing)

/** The drawing moved by (x, y). */
export const moved = (x: number, y: number, drawing: string) => `<g transform="translate(${x} ${y})">${drawing}</g>`
