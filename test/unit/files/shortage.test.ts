/** What is short for a while is waited for; what stays short is said as that. */
import { expect, test } from 'vitest'
import { patience, withPatience } from '../../../lib/files/shortage.ts'
import { errno } from '../../helpers/faults.ts'
import { useLittlePatience } from '../../helpers/patience.ts'

useLittlePatience()

/** Work that fails so many times, then succeeds. */
const failing = (code: string, times: number) => {
  let tries = 0
  return async () => {
    tries += 1
    if (tries <= times) throw errno(code)
    return tries
  }
}

test.each(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY', 'EIO', 'ETIMEDOUT', 'ESTALE'])('%s', async (code) => {
  expect(await withPatience('a.png', failing(code, 3))).toBe(4)
  await expect(withPatience('a\n.png', failing(code, 4))).rejects.toMatchObject({
    code: 'RESOURCE_SHORTAGE',
    message: expect.stringMatching(new RegExp(`^a\\\\n.png could not be read .*${code}`)),
    hint: expect.stringMatching(/./),
    cause: { code },
    details: { path: 'a\n.png', code },
  })
})

test('what is wrong with the file is not waited for', async () => {
  for (const code of ['ENOENT', 'EACCES', 'EISDIR', 'ELOOP'])
    await expect(withPatience('a', failing(code, 1))).rejects.toMatchObject({ code })
  await expect(withPatience('a', failing('', 1))).rejects.toThrow('injected')
})

test('an abort ends the waiting', async () => {
  Object.assign(patience, { shortage: [600_000] })
  const controller = new AbortController()
  const call = withPatience('a', failing('EMFILE', 9), controller.signal)
  setImmediate(() => controller.abort())
  await expect(call).rejects.toMatchObject({ code: 'RESOURCE_SHORTAGE' })
})
