import { describe, expect, test } from 'vitest'
import { specsOf } from '../../../lib/options/resolve.ts'
import { sampleSpecs } from '../../../lib/options/sample.ts'
import { trainSpecs } from '../../../lib/options/train.ts'
import {
  flagText,
  sampleDefaultText,
  sampleGroups,
  trainDefaultText,
  trainGroups,
  valueKindOf,
} from '../../../lib/options/value-kind.ts'

describe('the form of an option', () => {
  test.each([
    ['flip', { switch: true, number: false, text: false }],
    ['size', { switch: false, number: true, text: false }],
    ['maxTime', { switch: false, number: true, text: true }],
    ['resume', { switch: true, number: false, text: true }],
  ] as const)('%s', (name, form) => expect(valueKindOf(trainSpecs[name])).toMatchObject(form))

  test('of lists and tuples is that of their entries', () => {
    expect(valueKindOf(trainSpecs.betas).list).toMatchObject({ number: true, text: false })
    expect(valueKindOf(sampleSpecs.seeds).list).toMatchObject({ number: true })
    expect(valueKindOf(trainSpecs.data)).toMatchObject({ text: true, list: { text: true } })
    expect(valueKindOf(trainSpecs.size).list).toBeUndefined()
  })

  test('knows the choices', () => {
    expect(valueKindOf(trainSpecs.device).choices).toEqual(['auto', 'cpu', 'cuda'])
    expect(valueKindOf(trainSpecs.channels).choices).toEqual([1, 3, 4])
  })
})

describe('defaults as text', () => {
  const textOf = (name: string, model: 'diffusion' | 'dcgan' = 'diffusion') =>
    trainDefaultText(name, specsOf(model)[name]!, flagText)

  test('one where all agree, else by model, with the variants that differ', () => {
    expect(textOf('seed')).toBe('3407')
    expect(textOf('exact')).toBe('off')
    expect(textOf('maxTime')).toBe('none')
    expect(textOf('size')).toBe(
      'diffusion 128; dcgan 64 (chainer: 96); pgan 128 (small: 32); stylegan2 128; classifier 64',
    )
    expect(textOf('clipGradNorm')).toBe(
      'diffusion 1 (0.26: none); dcgan none; pgan none; stylegan2 none; classifier none',
    )
    expect(textOf('objective')).toBe('v (0.26: noise, 2.3-cfg: noise)')
    expect(textOf('dimMults')).toBe('1,2,4,8')
    expect(textOf('latent', 'dcgan')).toBe('dcgan 100; pgan 512 (small: 128); stylegan2 512')
    expect(textOf('width', 'dcgan')).toBe('dcgan 64 (radford: 128); classifier 16')
  })

  test('of sampling, those that follow from the model included', () => {
    const { steps } = sampleGroups().find(({ model }) => model === 'diffusion')!.specs
    expect(sampleDefaultText('steps', steps!, flagText)).toBe('20')
    expect(sampleDefaultText('seeds', sampleSpecs.seeds, flagText)).toBe('none')
  })

  test('every option has one', () => {
    for (const { specs, defaultText } of [...trainGroups(), ...sampleGroups()]) {
      for (const [name, spec] of Object.entries(specs)) expect(defaultText(name, spec, flagText), name).not.toBe('')
    }
  })
})

test('values are written as on the command line', () => {
  expect([null, true, false, [1, 2], 0.5, 'x'].map(flagText)).toEqual(['none', 'on', 'off', '1,2', '0.5', 'x'])
})
