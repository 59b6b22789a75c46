/** A user without a home folder and without an entry in passwd, as in containers that are run with --user. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { diagnose } from '../../../lib/doctor/doctor.ts'
import { redact } from '../../../lib/doctor/redact.ts'
import { findLibtorch } from '../../../lib/libtorch/find.ts'
import { userCacheFolder } from '../../../lib/system/cache.ts'
import { emptyMachine, fakeDownload } from '../../helpers/wheels.ts'

const { homedir } = vi.hoisted(() => ({ homedir: vi.fn() }))
vi.mock('node:os', async (original) => {
  const userInfo = () => {
    throw Object.assign(new Error('A system error occurred: uv_os_get_passwd returned ENOENT (no such file)'), {
      code: 'ERR_SYSTEM_ERROR',
    })
  }
  return { ...(await original<object>()), homedir, userInfo }
})

beforeEach(() => {
  emptyMachine()
  for (const name of ['SHINSAKU_CACHE', 'XDG_CACHE_HOME', 'HOME']) vi.stubEnv(name, undefined)
  homedir.mockImplementation(() => {
    throw Object.assign(new Error('A system error occurred: uv_os_homedir returned ENOENT'), {
      code: 'ERR_SYSTEM_ERROR',
    })
  })
})
afterEach(() => {
  vi.unstubAllEnvs()
})

const missing = { code: 'CACHE_MISSING', hint: expect.stringMatching(/SHINSAKU_CACHE.*HOME/) }

test('what needs the cache says what to set', () => {
  expect(userCacheFolder).toThrow(expect.objectContaining(missing))
  expect(() => findLibtorch()).toThrow(expect.objectContaining(missing))
  homedir.mockReturnValue('')
  expect(userCacheFolder).toThrow(expect.objectContaining(missing))
})

test('with a cache named, nobody asks for a home', () => {
  vi.stubEnv('SHINSAKU_CACHE', '/c')
  expect(userCacheFolder()).toBe('/c')
  vi.stubEnv('SHINSAKU_CACHE', undefined)
  vi.stubEnv('XDG_CACHE_HOME', '/x')
  expect(userCacheFolder()).toBe('/x/shinsaku')
})

test('doctor says so too, in all its lines', async () => {
  fakeDownload('exit 9')
  const { ok, checks } = await diagnose()
  expect(ok).toBe(false)
  const libtorch = checks.find(({ name }) => name === 'libtorch')
  expect(libtorch).toMatchObject({ state: 'wrong', text: expect.stringContaining('CACHE_MISSING') })
  expect(libtorch?.advice).toContain('SHINSAKU_CACHE')
  expect(checks.map(({ name }) => name)).toEqual(expect.arrayContaining(['system', 'node', 'fetch', 'environment']))
})

test('what is private is taken out as far as it is known', () => {
  expect(redact('//token@host/x /opt')).toBe('//<secret>@host/x /opt')
  vi.stubEnv('HOME', '/srv/somebody')
  expect(redact('/srv/somebody/x')).toBe('~/x')
})
