/** Who may speak to a server: hosts by name, and the token. */
import { describe, expect, test } from 'vitest'
import { hostOf, isKnownHost, isLoopback, urlOf } from '../../../lib/http/hosts.ts'
import { bearerOf, isToken, requiredToken } from '../../../lib/http/token.ts'

describe('hosts', () => {
  test.each([
    ['127.0.0.1:80', '127.0.0.1'],
    ['LocalHost', 'localhost'],
    ['[::1]:8080', '::1'],
    ['a.example', 'a.example'],
    ['', undefined],
    ['a b', undefined],
    ['a:80:80', undefined],
    ['user@a', undefined],
    [undefined, undefined],
  ])('of %j is %j', (header, host) => expect(hostOf(header)).toBe(host))

  test('addresses, localhost and own names are answered; other names are not, whatever they resolve to', () => {
    for (const header of ['127.0.0.1:1', '[::1]:1', 'localhost:1', '192.168.0.7']) {
      expect(isKnownHost(header, '127.0.0.1'), header).toBe(true)
    }
    for (const header of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', undefined])
      expect(isKnownHost(header, '127.0.0.1'), header).toBe(false)
    expect(isKnownHost('Trainer:80', 'trainer')).toBe(true)
    expect(isKnownHost('a.example', '0.0.0.0', ['a.example'])).toBe(true)
  })

  test('loopback is what only this machine reaches', () => {
    expect(['127.0.0.1', '127.1.2.3', 'localhost', '::1'].every(isLoopback)).toBe(true)
    expect(['0.0.0.0', '::', '192.168.0.1', '127.evil.example'].some(isLoopback)).toBe(false)
    expect([urlOf('127.0.0.1', 80), urlOf('::1', 80)]).toEqual(['http://127.0.0.1:80', 'http://[::1]:80'])
  })
})

describe('the token', () => {
  const good = 'a'.repeat(16)

  test('comes from the environment; loopback needs none', () => {
    expect(requiredToken('127.0.0.1', {})).toBe(null)
    expect(requiredToken('127.0.0.1', { SHINSAKU_TOKEN: good })).toBe(good)
    expect(requiredToken('0.0.0.0', { SHINSAKU_TOKEN: good })).toBe(good)
  })

  test('is missed elsewhere, and must not be short or strange', () => {
    const codeOf = (host: string, token?: string) => {
      try {
        return requiredToken(host, token === undefined ? {} : { SHINSAKU_TOKEN: token })
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(codeOf('0.0.0.0')).toBe('TOKEN_MISSING')
    expect(codeOf('0.0.0.0', '')).toBe('TOKEN_MISSING')
    expect(codeOf('127.0.0.1', 'short')).toBe('OPTION_INVALID')
    expect(codeOf('127.0.0.1', `${good} b`)).toBe('OPTION_INVALID')
  })

  test('is compared whole, whatever is given', () => {
    expect(isToken(good, good)).toBe(true)
    for (const given of [undefined, '', 'a', `${good}a`, 'ä'.repeat(16)]) expect(isToken(given, good)).toBe(false)
    expect(bearerOf(`Bearer ${good}`)).toBe(good)
    for (const header of [undefined, good, `Basic ${good}`, `Bearer ${good} x`])
      expect(bearerOf(header)).toBe(undefined)
  })
})
