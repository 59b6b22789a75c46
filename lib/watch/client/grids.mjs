/** The samples over time: one grid and a slider, beside the training pictures and those nearest to samples. */
import { formatCount, make } from './format.mjs'
import { known } from './state.mjs'

/**
 * The newest of the sorted `grids` up to `images`; undefined where there is none.
 * @param {readonly number[]} grids
 * @param {number} images
 */
const atOrBefore = (grids, images) => grids.filter((at) => at <= images).at(-1)

/** @param {string} name */
const runPath = (name) => `/runs/${encodeURIComponent(name)}`

/** A picture with its caption, that is hidden where there is none. */
class Shown {
  #picture = make('img', { decoding: 'async' })
  #caption = make('figcaption')
  element = make('figure', { hidden: true }, this.#caption, this.#picture)

  constructor() {
    // Enlarged pixels stay squares.
    this.#picture.addEventListener('load', () =>
      this.#picture.classList.toggle(
        'pixels',
        this.#picture.naturalWidth < this.#picture.clientWidth * devicePixelRatio,
      ),
    )
  }

  /**
   * @param {string | null} source
   * @param {string} caption
   */
  show(source, caption) {
    this.element.hidden = source === null
    if (source === null) return
    this.#caption.textContent = caption
    this.#picture.alt = caption
    if (this.#picture.getAttribute('src') !== source) this.#picture.src = source
  }
}

const PLAY_MS = 400

export class Grids {
  #samples = new Shown()
  #laidOver = new Shown()
  #reals = new Shown()
  #nearest = new Shown()
  #slider = make('input', { type: 'range', min: 0, max: 0, step: 1, id: 'time' })
  #at = make('output', { for: 'time' })
  #play = make('button', { type: 'button', 'aria-pressed': 'false' }, 'Play')
  #controls = make(
    'div',
    { class: 'controls' },
    make('label', { for: 'time' }, 'Time'),
    this.#slider,
    this.#at,
    this.#play,
  )
  #none = make('p', { class: 'note' }, 'No samples yet: the first grid comes with the first preview.')
  /** @type {number | undefined} */
  #timer
  #run = ''
  #other = /** @type {string | null} */ (null)
  /** @type {readonly number[]} */
  #grids = []
  element = make(
    'div',
    {},
    this.#none,
    this.#controls,
    make(
      'div',
      { class: 'grids' },
      this.#samples.element,
      this.#laidOver.element,
      this.#reals.element,
      this.#nearest.element,
    ),
  )

  constructor() {
    this.#slider.addEventListener('input', () => this.#draw())
    this.#play.addEventListener('click', () => this.#toggle())
  }

  /**
   * @param {string} run
   * @param {string | null} other
   */
  show(run, other) {
    const grids = known.details.get(run)?.samples ?? []
    const atEnd = run !== this.#run || Number(this.#slider.value) >= this.#grids.length - 1
    ;[this.#run, this.#other, this.#grids] = [run, other, grids]
    this.#slider.max = String(Math.max(0, grids.length - 1))
    // Whoever looks at the newest grid sees the next one come.
    if (atEnd) this.#slider.value = this.#slider.max
    this.#draw()
  }

  #draw() {
    const details = known.details.get(this.#run)
    const images = this.#grids[Number(this.#slider.value)]
    this.#none.hidden = images !== undefined
    this.#controls.hidden = images === undefined
    const path = runPath(this.#run)
    if (images !== undefined) {
      this.#at.textContent = `after ${formatCount(images)} images`
      this.#slider.setAttribute('aria-valuetext', this.#at.textContent)
    }
    this.#samples.show(
      images === undefined ? null : `${path}/samples/${images}.png`,
      `Samples after ${formatCount(images ?? 0)} images`,
    )
    const other = this.#other === null ? undefined : known.details.get(this.#other)
    const beside = other && atOrBefore(other.samples, images ?? 0)
    this.#laidOver.show(
      other && beside !== undefined ? `${runPath(other.name)}/samples/${beside}.png` : null,
      other ? `${other.name} after ${formatCount(beside ?? 0)} images` : '',
    )
    this.#reals.show(details?.reals ? `${path}/reals.png` : null, 'Training pictures')
    const nearest = atOrBefore(details?.nearest ?? [], images ?? 0)
    this.#nearest.show(
      nearest === undefined ? null : `${path}/nearest/${nearest}.png`,
      `Samples nearest to training pictures, each above its training picture, after ${formatCount(nearest ?? 0)} images`,
    )
  }

  #toggle() {
    if (this.#timer !== undefined) return this.#stop()
    this.#play.textContent = 'Pause'
    this.#play.setAttribute('aria-pressed', 'true')
    if (Number(this.#slider.value) >= this.#grids.length - 1) this.#slider.value = '0'
    this.#timer = window.setInterval(() => {
      if (Number(this.#slider.value) >= this.#grids.length - 1) return this.#stop()
      this.#slider.value = String(Number(this.#slider.value) + 1)
      this.#draw()
    }, PLAY_MS)
    this.#draw()
  }

  #stop() {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#play.textContent = 'Play'
    this.#play.setAttribute('aria-pressed', 'false')
  }
}
