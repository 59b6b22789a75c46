import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { addFlags, valuesOf } from '../../../lib/cli/flags.ts'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import { sampleGroups, trainGroups } from '../../../lib/options/value-kind.ts'

function parse(...args: string[]): Record<string, unknown> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => {}, outputError: () => {} })
  addFlags(command, trainGroups(), ['data'])
  command.parse(args, { from: 'user' })
  return valuesOf(trainGroups(), command.opts())
}

describe('every option of train has a flag', () => {
  const names = trainGroups()
    .flatMap(({ specs }) => Object.keys(specs))
    .filter((name) => name !== 'data')

  test('whose value arrives under the name of the API', () => {
    const command = new Command()
    addFlags(command, trainGroups(), ['data'])
    const arriving = new Set(command.options.map((option) => option.attributeName()))
    expect([...arriving].sort()).toEqual(names.sort())
  })

  test('and what is not given stays away', () => expect(parse()).toEqual({}))
})

describe('text becomes values', () => {
  test.each([
    [['--size', '64'], { size: 64 }],
    [['--lr', '2e-4'], { lr: 2e-4 }],
    [['--dim-mults', '1,2,4,8'], { dimMults: [1, 2, 4, 8] }],
    [['--dim-mults', '1, 4, 16'], { dimMults: [1, 4, 16] }],
    [['--betas=0.9,0.99'], { betas: [0.9, 0.99] }],
    [['--clip-grad-norm', 'none'], { clipGradNorm: null }],
    [['--max-time', 'none'], { maxTime: null }],
    [['--max-time', '20m'], { maxTime: '20m' }],
    [['--loss-weight', 'none'], { lossWeight: 'none' }],
    [['--variant', '0.26'], { variant: '0.26' }],
    [['--variant', '2.3'], { variant: '2.3' }],
    [['--exact'], { exact: true }],
    [['--no-flip'], { flip: false }],
    [['--flip'], { flip: true }],
    [['--resume'], { resume: true }],
    [['--resume', 'runs/00000-x'], { resume: 'runs/00000-x' }],
    [['-o', 'elsewhere'], { out: 'elsewhere' }],
    [['--channels', '1'], { channels: 1 }],
    [['--p2-k', '0.5', '--min-snr-gamma', '3'], { p2K: 0.5, minSnrGamma: 3 }],
  ])('%j', (args, values) => expect(parse(...args)).toEqual(values))

  test('what is no number is left for the schema to refuse, with the text in the message', () => {
    for (const text of ['large', '', '0x', '--', '1,2']) expect(parse('--size', text)).toEqual({ size: text })
    expect(() => resolveTrain(parse('--size', 'large'))).toThrow('"large"')
    expect(() => resolveTrain(parse('--dim-mults', '1,,4'))).toThrow('dimMults.1')
    expect(() => resolveTrain(parse('--size', 'none'))).toThrow('size')
  })
})

test('sampling: seeds and count', () => {
  const command = new Command()
  addFlags(command, sampleGroups())
  command.parse(['-n', '16', '--seeds', '1,2,3', '--eta', '0.5', '--batch-norm', 'batch'], { from: 'user' })
  expect(valuesOf(sampleGroups(), command.opts())).toEqual({
    count: 16,
    seeds: [1, 2, 3],
    eta: 0.5,
    batchNorm: 'batch',
  })
})
