/** What a call to sample() asks for in words: found among the labels of a model, or refused with what it knows. */
import { describe, expect, test } from 'vitest'
import type { Problem } from '../../../lib/errors.ts'
import { type AskedLabels, findAsked } from '../../../lib/options/asked-labels.ts'
import type { LabelSet } from '../../../lib/options/labels.ts'
import { resolveSample, resolveTrain } from '../../../lib/options/resolve.ts'

const set: LabelSet = {
  from: 'x.csv',
  attributes: [
    { name: 'hair', kind: 'class', values: ['brown', 'dark red', 'red'], counts: [30, 20, 10] },
    { name: 'shirt', kind: 'class', values: ['blue', 'red'], counts: [30, 30] },
    { name: 'glasses', kind: 'number', min: 0, max: 1, count: 60 },
    { name: 'age', kind: 'number', min: 10, max: 30, count: 60 },
    { name: 'words', kind: 'words', values: ['hat', 'sad'], counts: [20, 20] },
  ],
}

const ask = (asked: AskedLabels) => {
  const problems: Problem[] = []
  return {
    found: findAsked(set, asked, problems),
    problems: problems.map(({ path, message }) => `${path}: ${message}`),
  }
}

test('a label is a class, a word or an attribute that is or is not', () => {
  expect(ask({ label: 'Brown' })).toEqual({ found: { hair: 'brown' }, problems: [] })
  expect(ask({ label: 'sad' }).found).toEqual({ words: ['sad'] })
  expect(ask({ label: 'glasses' }).found).toEqual({ glasses: 1 })
  expect(ask({ label: 'red' }).problems).toEqual([
    'label: "red" is a value of several attributes; say which: attributes { "hair": "red" } or { "shirt": "red" }',
  ])
  expect(ask({ label: 'brwn' }).problems).toEqual([
    'label: "brwn" is no label that the model knows; did you mean "brown"? It knows: brown, dark red, red, blue, red, glasses, hat, sad',
  ])
})

test('attributes are values of their kind, as an object or as the command line has them', () => {
  expect(ask({ attributes: { hair: 'red', glasses: true, age: 12, words: ['hat', 'sad'] } })).toEqual({
    found: { hair: 'red', glasses: 1, age: 12, words: ['hat', 'sad'] },
    problems: [],
  })
  expect(ask({ attributes: 'hair=red, glasses=no,age=20' }).found).toEqual({ hair: 'red', glasses: 0, age: 20 })
  expect(ask({ attributes: { age: 31, glasses: 'maybe', hairs: 'red', shirt: 'green' } }).problems).toEqual([
    'attributes.age: must be a number from 10 to 30, as in the data, but is "31"',
    'attributes.glasses: must be true, false or a number from 0 to 1, as in the data, but is "maybe"',
    'attributes.hairs: "hairs" is no attribute that the model knows; did you mean "hair"? It knows: hair, shirt, glasses, age, words',
    'attributes.shirt: "green" is no value of shirt that the model knows. It knows: blue, red',
  ])
  expect(ask({ attributes: 'red' }).problems).toEqual(['attributes: expected NAME=VALUE,..., but got "red"'])
})

test('a prompt is in words that the model knows; others are named', () => {
  expect(ask({ prompt: 'sad with dark red hair, glasses and a hat' })).toEqual({
    found: { hair: 'dark red', glasses: 1, words: ['hat', 'sad'] },
    problems: [],
  })
  expect(ask({ prompt: 'red shirt and brown hair' }).found).toEqual({ hair: 'brown', shirt: 'red' })
  expect(ask({ prompt: 'a hut on brown hair' }).problems).toEqual([
    expect.stringMatching(/^prompt: "hut" is no word that the model knows; did you mean "hat"\? It knows: dark red/),
  ])
  expect(ask({ prompt: 'the' }).problems[0]).toMatch(/says nothing that the model knows/)
})

test('two values at once are refused', () =>
  expect(ask({ label: 'brown', attributes: { hair: 'red' } }).problems).toEqual([
    'attributes.hair: asks for hair "brown" and "red" at once',
  ]))

describe('resolveSample', () => {
  const train = (over: object = {}) => resolveTrain({ labels: set, ...over })
  const wrong = (options: object, trained = train()) => {
    try {
      resolveSample(options, trained)
    } catch (error) {
      return (error as { details: { problems: Problem[] } }).details.problems.map(
        ({ path, message }) => `${path}: ${message}`,
      )
    }
    return []
  }

  test('takes them for a model that knows labels', () => {
    expect(wrong({ label: 'brown', guidance: 2, guidanceRescale: 0.7, guidanceInterval: [0.1, 0.9] })).toEqual([])
    expect(wrong({ label: 'x' })[0]).toMatch(/^label: "x" is no label/)
    expect(wrong({ label: 'brown' }, resolveTrain({}))[0]).toMatch(/^label: needs a model that learned with labels/)
  })

  test('guidance needs what it is by, a network that can do without, and an interval that rises', () => {
    expect(wrong({ guidance: 2 })).toEqual([
      'guidance: is by what is asked for: give label, attributes or prompt with it',
    ])
    expect(wrong({ guidance: 2, label: 'brown' }, train({ labelDropout: 0 }))[0]).toMatch(/labelDropout 0/)
    expect(wrong({ label: 'brown', guidanceInterval: [0.9, 0.1] })[0]).toMatch(/must rise, but is 0\.9,0\.1/)
  })

  test('labels of the wrong form, and of a kind of model that learns none, are refused', () => {
    const refuse = (options: object, message: RegExp) =>
      expect(() => resolveTrain(options)).toThrow(
        expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringMatching(message) }),
      )
    refuse({ labels: { from: 'x', attributes: [] } }, /labels/)
    refuse({ labels: { ...set, attributes: [set.attributes[0], set.attributes[0]] } }, /different names/)
    refuse({ labels: 3 }, /labels/)
    refuse({ model: 'pgan', labels: 'folders' }, /model "pgan" learns no labels/)
  })
})
