/** Numbers of a server in the text form that Prometheus reads. */

/** Counts values by upper bounds. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = bounds.map(() => 0)
  }

  add(value: number): void {
    this.#sum += value
    this.#count += 1
    for (const [i, bound] of this.#bounds.entries()) if (value <= bound) this.#counts[i]! += 1
  }

  lines(name: string): string[] {
    return [
      ...this.#bounds.map((bound, i) => line(`${name}_bucket`, { le: String(bound) }, this.#counts[i]!)),
      line(`${name}_bucket`, { le: '+Inf' }, this.#count),
      line(`${name}_sum`, {}, this.#sum),
      line(`${name}_count`, {}, this.#count),
    ]
  }
}

type Labels = Readonly<Record<string, string>>

const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')

function line(name: string, labels: Labels, value: number): string {
  const list = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
  return `${name}${list.length > 0 ? `{${list.join(',')}}` : ''} ${value}`
}

/** A number that only grows, by its labels. */
export class Counter {
  readonly #values = new Map<string, { labels: Labels; value: number }>()

  add(labels: Labels): void {
    const key = JSON.stringify(labels)
    const known = this.#values.get(key)
    if (known) known.value += 1
    else this.#values.set(key, { labels, value: 1 })
  }

  lines(name: string): string[] {
    return [...this.#values.values()].map(({ labels, value }) => line(name, labels, value))
  }
}

/** One name with its help, its type and its values. */
export const family = (name: string, type: 'counter' | 'gauge' | 'histogram', help: string, lines: string[]): string =>
  [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n')

export const value = (name: string, of: number, labels: Labels = {}): string[] => [line(name, labels, of)]
