/** The description of the server's API. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { ask, fakeServer, jsonOf } from '../../helpers/serve.ts'

test.each([undefined, 'a-long-enough-token'])('the description is valid OpenAPI 3.1; token: %s', async (token) => {
  const { handler } = fakeServer({ maxCount: 3, ...(token && { token }) })
  const headers = { authorization: `Bearer ${token}` }
  const description = await jsonOf(ask(handler, '/openapi.json', { headers }))
  const validator = new Validator()
  expect(await validator.validate(description)).toEqual({ valid: true })
  expect(validator.version).toBe('3.1')
  // A description that is not valid is found.
  const { info: _, ...without } = description
  expect((await new Validator().validate(without)).valid).toBe(false)
})

test('the description is made of the fields that are checked, with the limits of this server', async () => {
  const { handler } = fakeServer({ maxCount: 3 })
  const { components, paths } = await jsonOf(ask(handler, '/openapi.json'))
  const { properties, additionalProperties } = components.schemas.Generation
  expect(additionalProperties).toBe(false)
  expect(properties.n.anyOf[0].maximum).toBe(3)
  expect(properties.seed.anyOf[0]).toMatchObject({ type: 'integer', maximum: 2 ** 32 - 1 })
  expect(Object.keys(paths)).toContain('/v1/images/generations')
})
