// What metrics are compared on: real icons and an Inception's weights, all from packages of npm.
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'

const execute = promisify(execFile)

/** Sets of icons, each by one hand: people, the same of both. */
const ICONS = { fluent: '@iconify-json/fluent-emoji-flat@1.2.6', noto: '@iconify-json/noto@1.2.9' }
/** Its weights are made of pictures that nobody asked for: they serve to compare programs, and nothing else. */
const INCEPTION = 'nsfwjs@4.3.0'
const COUNT = 160

/**
 * The files of a package, without installing it.
 * @param {string} name
 * @param {string} folder
 */
async function unpack(name, folder) {
  await mkdir(folder, { recursive: true })
  await execute('npm', ['pack', '--silent', '--pack-destination', folder, name])
  const [tarball] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  if (!tarball) throw new Error(`npm packed nothing of ${name}`)
  await execute('tar', ['-xzf', join(folder, tarball), '-C', folder])
  return join(folder, 'package')
}

/**
 * Draws icons of people as PNG files of 128 pixels on white; both sets hold the same people.
 * @param {string} work
 * @returns {Promise<string[]>} the folders
 */
export async function drawIcons(work) {
  const sets = await Promise.all(
    Object.entries(ICONS).map(async ([name, source]) => {
      const file = join(await unpack(source, join(work, name)), 'icons.json')
      return { name, ...JSON.parse(await readFile(file, 'utf8')) }
    }),
  )
  const shared = Object.keys(sets[0].icons)
    .filter((name) => /^(man|woman|person|boy|girl)\b/.test(name) && sets.every(({ icons }) => icons[name]))
    .sort()
    .slice(0, COUNT)
  const folders = []
  for (const { name, icons, width = 16, height = 16 } of sets) {
    const folder = join(work, `${name}-png`)
    await mkdir(folder)
    for (const icon of shared) {
      const { body, width: w = width, height: h = height } = icons[icon]
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="128" height="128" viewBox="0 0 ${w} ${h}">${body}</svg>`
      await sharp(Buffer.from(svg))
        .flatten({ background: '#fff' })
        .toFile(join(folder, `${icon}.png`))
    }
    folders.push(folder)
  }
  return folders
}

/**
 * Pixels of a folder, in the order of names.
 * @param {string} folder
 */
export async function readPixels(folder) {
  const files = (await readdir(folder)).sort()
  const pixels = await Promise.all(files.map((file) => sharp(join(folder, file)).removeAlpha().raw().toBuffer()))
  return { pixels: new Uint8Array(Buffer.concat(pixels)), shape: [files.length, 128, 128, 3] }
}

/**
 * The Inception of nsfwjs under the names of pytorch-fid. Keras numbers its layers in the order in which they are made,
 * which is that of the state dict; it has no gains, and weights of one byte.
 * @param {string} work
 * @param {[string, string, number[]][]} layers [conv, norm, shape of the weight]
 */
export async function readInception(work, layers) {
  const folder = join(await unpack(INCEPTION, join(work, 'inception')), 'dist', 'models', 'inception_v3')
  const require = createRequire(import.meta.url)
  const load = (/** @type {string} */ name) => require(join(folder, `${name}.min.js`))
  const { weightsManifest } = load('model')
  /** @type {Map<string, Float32Array>} */
  const values = new Map()
  for (const { paths, weights } of weightsManifest) {
    const bytes = Buffer.concat(paths.map((/** @type {string} */ path) => Buffer.from(load(path), 'base64')))
    let at = 0
    for (const { name, shape, quantization } of weights) {
      const count = shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, 1)
      const { min, scale } = quantization
      values.set(
        name,
        Float32Array.from(bytes.subarray(at, at + count), (byte) => byte * scale + min),
      )
      at += count
    }
  }
  const of = (/** @type {string} */ name) => {
    const found = values.get(name)
    if (!found) throw new Error(`${INCEPTION} has no tensor ${name}`)
    return found
  }
  return layers.flatMap(([conv, norm, shape], i) => {
    const [out = 0, channels = 0, height = 0, width = 0] = shape
    const kernel = of(`conv2d_${i + 1}/kernel`)
    const weight = Float32Array.from({ length: kernel.length }, (_, at) => {
      const [x, y] = [at % width, Math.floor(at / width) % height]
      const [c, o] = [Math.floor(at / width / height) % channels, Math.floor(at / width / height / channels)]
      return kernel[((y * width + x) * channels + c) * out + o] ?? Number.NaN
    })
    const vector = (/** @type {string} */ name) => of(`batch_normalization_${i + 1}/${name}`)
    return [
      { name: `${conv}.weight`, shape, values: weight },
      { name: `${norm}.weight`, shape: [out], values: new Float32Array(out).fill(1) },
      { name: `${norm}.bias`, shape: [out], values: vector('beta') },
      { name: `${norm}.running_mean`, shape: [out], values: vector('moving_mean') },
      { name: `${norm}.running_var`, shape: [out], values: vector('moving_variance') },
    ]
  })
}

/**
 * Writes tensors one after the other, and says where each one is.
 * @param {string} file
 * @param {{ name: string, shape: number[], values: Float32Array }[]} tensors
 */
export async function writeTensors(file, tensors) {
  await writeFile(file, Buffer.concat(tensors.map(({ values }) => Buffer.from(values.buffer))))
  return { file, tensors: tensors.map(({ name, shape }) => ({ name, shape })) }
}
