/** The page of a published model: loads it when asked, samples on this device, shows and saves pictures. */
// @ts-expect-error: lies beside the page, not beside this source
import * as ort from '../../../runtime/ort.wasm.min.mjs'
import { writeXmp } from '../../images/xmp.ts'
import { openSampler } from '../../onnx/browser/sample.ts'
import { withXmp } from './png.mjs'

// A step of a large model takes seconds, and the page has to answer meanwhile.
ort.env.wasm.proxy = true

/** @typedef {import('../../onnx/browser/sample.ts').OnnxPicture} Picture */
/** @typedef {import('../../onnx/browser/sample.ts').OnnxSampler} Sampler */

/**
 * An element of the page.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function element(id, type) {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`The page has no ${id}`)
  return found
}

const canvas = element('picture', HTMLCanvasElement)
const [seed, steps] = [element('seed', HTMLInputElement), element('steps', HTMLSelectElement)]
const [go, next] = [element('go', HTMLButtonElement), element('next', HTMLButtonElement)]
const save = element('save', HTMLButtonElement)
const [status, bar] = [element('status', HTMLElement), element('progress', HTMLProgressElement)]
const { model, name, mark } = /** @type {{ model: string, name: string, mark: string }} */ (
  element('player', HTMLElement).dataset
)

/** The visible mark, of a picture's size. */
const overlay = new Image()
overlay.src = mark

/** @type {Promise<Sampler> | undefined} */
let loading
/** @type {Picture | undefined} */
let shown

/** @param {string} text */
function say(text) {
  status.textContent = text
}

const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`

/** The model's bytes, with progress; its name has its hash, so that browsers may keep it. */
async function fetchModel() {
  const response = await fetch(model)
  if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`)
  const total = Number(response.headers.get('content-length'))
  const parts = []
  let received = 0
  const reader = response.body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    received += value.length
    say(`Loading the model: ${megabytes(received)}`)
    if (total > 0) bar.value = received / total
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

async function open() {
  bar.hidden = false
  const bytes = await fetchModel()
  say('Starting the model')
  return openSampler(ort, bytes)
}

function load() {
  if (!loading) {
    loading = open()
    loading.catch(() => {
      loading = undefined
    })
  }
  return loading
}

/** @param {Picture} picture */
function show({ size, channels, pixels }) {
  const image = new ImageData(size, size)
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++)
      image.data[4 * i + c] = /** @type {number} */ (pixels[i * channels + (channels < 3 ? 0 : c)])
    image.data[4 * i + 3] = channels === 4 ? /** @type {number} */ (pixels[4 * i + 3]) : 255
  }
  const context = canvas.getContext('2d')
  context?.putImageData(image, 0, 0)
  if (mark) context?.drawImage(overlay, 0, 0)
}

/** Lets the page be drawn and answer. */
const frame = () => new Promise((resolve) => setTimeout(resolve))

async function sample() {
  const sampler = await load()
  if (mark) await overlay.decode()
  const begun = performance.now()
  const wanted = { seed: seed.valueAsNumber, steps: Number(steps.value) }
  say('Sampling')
  shown = await sampler.sample({
    ...wanted,
    onStep: async ({ step, steps: all, picture }) => {
      show(picture())
      bar.value = step / all
      const left = ((performance.now() - begun) / step) * (all - step)
      say(`Step ${step} of ${all}, ${(left / 1000).toFixed(0)} s left`)
      await frame()
    },
  })
  show(shown)
  canvas.setAttribute('aria-label', `Picture of seed ${shown.seed}`)
  history.replaceState(null, '', `#seed=${wanted.seed}&steps=${wanted.steps}`)
  say(
    `Seed ${shown.seed}, ${wanted.steps === 1 ? '1 step' : `${wanted.steps} steps`}, ${((performance.now() - begun) / 1000).toFixed(1)} s`,
  )
}

/** Runs one thing at a time, and says what went wrong. */
async function busy(/** @type {() => Promise<void>} */ work) {
  for (const button of [go, next, save]) button.disabled = true
  bar.hidden = false
  bar.value = 0
  try {
    await work()
  } catch (error) {
    say(`That did not work: ${error instanceof Error ? error.message : error}`)
  }
  bar.hidden = true
  for (const button of [go, next]) button.disabled = false
  save.disabled = shown === undefined
}

async function download() {
  if (!shown) return
  const { description } = await load()
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'))
  const said = { ...description.provenance, sampler: description.sampler, steps: Number(steps.value), seed: shown.seed }
  const file = withXmp(new Uint8Array(await blob.arrayBuffer()), writeXmp(said))
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([file], { type: 'image/png' }))
  link.download = `${name}-${shown.seed}.png`
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

const asked = new URLSearchParams(location.hash.slice(1))
if (/^\d{1,10}$/.test(asked.get('seed') ?? '')) seed.value = asked.get('seed') ?? '0'
if ([...steps.options].some(({ value }) => value === asked.get('steps'))) steps.value = asked.get('steps') ?? ''

go.addEventListener('click', () => busy(sample))
next.addEventListener('click', () => {
  seed.value = String((seed.valueAsNumber + 1) % 2 ** 32)
  busy(sample)
})
save.addEventListener('click', () => busy(download))
seed.addEventListener('keydown', ({ key }) => {
  if (key === 'Enter' && !go.disabled) busy(sample)
})
say('')
