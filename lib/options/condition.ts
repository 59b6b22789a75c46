/** Pictures as conditions: what each kind turns into a picture of the set, and by which name it is asked for. */

export type Condition = 'lowres' | 'lines' | 'dark' | 'grey' | 'mask'

type Kind = {
  /** Of the method of a model and of the command. */
  readonly name: string
  /** What goes in, in a few words. */
  readonly takes: string
  /** The first line of the command's help; none where another has it. */
  readonly help?: string
}

export const conditions: { readonly [C in Condition]: Kind } = {
  lowres: { name: 'upscale', takes: 'a small picture', help: 'Enlarge a small picture' },
  lines: { name: 'draw', takes: 'a drawing in dark lines on white', help: 'Make a picture of a line drawing' },
  dark: { name: 'brighten', takes: 'a dark picture', help: 'Brighten a dark picture' },
  grey: { name: 'colour', takes: 'a grey picture', help: 'Colour a grey picture' },
  mask: { name: 'fill', takes: 'a picture and a mask' },
}

export const conditionNames = Object.keys(conditions) as [Condition, ...Condition[]]

/** The pictures that a model turns into others; null where it makes them of noise alone. */
export const conditionOf = (options: object): Condition | null =>
  (options as { condition?: Condition | null }).condition ?? null

const hasOneChannel = (condition: string): boolean => condition === 'lines' || condition === 'grey'

/** The shape of the picture that is given to such a model. */
export function conditionShape(condition: Condition, o: { size: number; channels: 1 | 3 | 4; conditionScale: number }) {
  const size = condition === 'lowres' ? o.size / o.conditionScale : o.size
  return { size, channels: hasOneChannel(condition) ? (1 as const) : o.channels }
}

/** Channels that a condition adds to a network's input, by what options say; 0 for none. */
export function channelsGiven({ condition, channels }: Readonly<Record<string, unknown>>): number {
  if (typeof condition !== 'string' || typeof channels !== 'number') return 0
  if (hasOneChannel(condition)) return 1
  return condition === 'mask' ? channels + 1 : channels
}

/** What a model needs that was asked for something else. */
export const askFor = (condition: Condition): string => {
  const { name, takes } = conditions[condition]
  const call = condition === 'mask' ? 'picture, mask' : 'picture'
  return `this model was trained with condition "${condition}" and makes pictures of ${takes}: use model.${name}(${call}), or shinsaku ${name}`
}
