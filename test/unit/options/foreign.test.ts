import { expect, test } from 'vitest'
import { foreignName } from '../../../lib/options/foreign.ts'
import { sampleSpecsOf, specsOf } from '../../../lib/options/resolve.ts'

const known = [...new Set((['diffusion', 'dcgan'] as const).flatMap((model) => Object.keys(specsOf(model))))]
const sampling = Object.keys(sampleSpecsOf('diffusion'))

test.each([
  ['steps', 'maxImages'],
  ['num_steps', 'maxImages'],
  ['iterations', 'maxImages'],
  ['resolution', 'size'],
  ['img-size', 'size'],
  ['output', 'out'],
  ['ngf', 'width'],
  ['num_train_timesteps', 'timesteps'],
  ['no-such-thing', undefined],
])('train: %s is %s', (theirs, ours) => expect(foreignName(theirs, known)?.ours).toBe(ours))

test('what one name means depends on who has the option', () => {
  expect([known, sampling].map((names) => foreignName('ema', names)?.ours)).toEqual(['emaDecay', 'weights'])
  expect(foreignName('learning_rate', sampling)).toBeUndefined()
})
