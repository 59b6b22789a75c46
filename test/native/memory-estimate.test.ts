/** What describe() says that training takes of memory is what it takes, within 20 %. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = fileURLToPath(new URL('../helpers/peak-case.mjs', import.meta.url))
const unet = { size: 32, dim: 16, dimMults: [1, 2, 4], batch: 32 }

test.each([
  ['the U-Net of 2.3', { ...unet, variant: '2.3' }],
  ['the U-Net of 0.26', { ...unet, variant: '0.26' }],
  ['a DCGAN', { model: 'dcgan', size: 64, batch: 64 }],
  // Its second update is at the last scale.
  ['a PGAN', { model: 'pgan', variant: 'small', size: 32, batch: 32, scaleImages: 1, fadeImages: 0 }],
  ['StyleGAN2', { model: 'stylegan2', size: 32, channelBase: 2048, channelMax: 128, batch: 32, latent: 64 }],
])('%s, with operations of our own and exact', async (_, options) => {
  for (const exact of [false, true]) {
    const { stdout } = await promisify(execFile)(process.execPath, [program, JSON.stringify({ ...options, exact })])
    const { program: before, peak, ops, estimate } = JSON.parse(stdout)
    if (exact) expect(ops).toBe('reference')
    const ratio = (estimate.state + estimate.activation) / (peak - before)
    expect(ratio, `${ops}: ${stdout}`).toBeGreaterThan(0.8)
    expect(ratio, `${ops}: ${stdout}`).toBeLessThan(1.2)
    const { program: base, state, activation } = estimate
    expect((base + state + activation) / peak, stdout).toBeGreaterThan(0.8)
    expect((base + state + activation) / peak, stdout).toBeLessThan(1.2)
  }
})
