/** The page's server against what browsers, programs and attackers send. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ShinsakuError } from '../../../lib/errors.ts'
import { watch } from '../../../lib/watch/watch.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { fullRun, PNG, WRITE_TOKEN, watchServer } from '../../helpers/watch.ts'

const host = '127.0.0.1:4700'
const name = '00000-diffusion-16-icons'
const get = (url: string, headers: Record<string, string> = {}) => ({
  method: 'GET' as const,
  url,
  headers: { host, ...headers },
})
const codeOf = (response: { json(): { error: { code: string } } }) => response.json().error.code

async function served() {
  const folder = temporaryFolder()
  const run = fullRun(folder)
  return { folder, run, server: await watchServer({ folder }) }
}

describe('what it shows', () => {
  test('the page, whose policy takes nothing from elsewhere', async () => {
    const { server } = await served()
    const { statusCode, headers, body } = await server.inject(get('/'))
    expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; img-src data: 'self'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; connect-src 'self'/,
    )
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
    expect(body).not.toMatch(/(src|href)=["']?https?:/)
  })

  test('runs, one run, its pictures and its report, in which nothing may run', async () => {
    const { server } = await served()
    expect((await server.inject(get('/api/runs'))).json()).toMatchObject([{ name, images: 200, training: false }])
    expect((await server.inject(get(`/api/runs/${name}`))).json()).toMatchObject({
      name,
      options: expect.arrayContaining([['model', 'diffusion']]),
      environment: expect.arrayContaining([['numerics', '{"a":1}']]),
      samples: [0, 200],
      nearest: [200],
      reals: true,
      checkpoints: [200],
      data: { count: 1, rights: [{ licence: '<MIT>' }] },
      evaluations: [{ images: 200, verdict: 'good', facts: expect.arrayContaining([['Samples', '1,024']]) }],
      problems: [],
    })
    for (const path of ['reals.png', 'samples/0.png', 'samples/200.png', 'nearest/200.png']) {
      const { statusCode, headers, rawPayload } = await server.inject(get(`/runs/${name}/${path}`))
      expect([path, statusCode, headers['content-type']]).toEqual([path, 200, 'image/png'])
      expect(rawPayload).toEqual(PNG)
    }
    const report = await server.inject(get(`/runs/${name}/evaluation/000000200`))
    expect(report.statusCode).toBe(200)
    expect(report.headers['content-security-policy']).toMatch(/^default-src 'none'; .*sandbox$/)
  })

  test('of a damaged run what can be read, and what cannot', async () => {
    const { server, run } = await served()
    writeFileSync(join(run, 'dataset.json'), '{')
    writeFileSync(join(run, 'environment.json'), 'x')
    writeFileSync(join(run, 'evaluation/000000200/report.json'), '[]')
    const { data, problems, evaluations, samples } = (await server.inject(get(`/api/runs/${name}`))).json()
    expect([data, evaluations, samples, problems.length]).toEqual([null, [], [0, 200], 2])
  })

  test('one run alone where one is named', async () => {
    const { folder, run } = await served()
    fullRun(folder, '00001-other')
    const server = await watchServer({ only: run })
    expect((await server.inject(get('/api/runs'))).json()).toHaveLength(1)
    expect((await server.inject(get('/api/runs/00001-other'))).statusCode).toBe(404)
  })
})

describe('what it refuses', () => {
  test('paths that lead out of a run, encoded or through links', async () => {
    const { server, folder, run } = await served()
    const secret = join(folder, 'secret')
    mkdirSync(secret)
    writeFileSync(join(secret, '000000001.png'), PNG)
    symlinkSync(join(secret, '000000001.png'), join(run, 'samples', '000000001.png'))
    mkdirSync(join(folder, '00002-linked'))
    writeFileSync(join(folder, '00002-linked', 'config.json'), '{}')
    symlinkSync(secret, join(folder, '00002-linked', 'samples'))
    for (const path of [
      `/runs/${name}/samples/1.png`,
      '/runs/00002-linked/samples/1.png',
      '/runs/..%2f..%2fetc/samples/1.png',
      '/runs/../../etc/passwd',
      `/runs/${name}/samples/..%2f..%2freals.png`,
      `/runs/${name}/samples/0000000000000000000001.png`,
      `/runs/${name}/evaluation/..%2fconfig.json`,
      '/runs/%2e%2e/reals.png',
      '/runs/%00/reals.png',
      '/runs/secret/samples/1.png',
      `/runs/${name}/config.json`,
      '/api/runs/..',
      '/api/runs/%2e%2e%2f%2e%2e',
      '/%c0%ae%c0%ae/',
    ]) {
      const { statusCode } = await server.inject(get(path))
      expect([path, statusCode >= 400 && statusCode < 500]).toEqual([path, true])
    }
  })

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:80', 'a b'])(
    'the host %j, whatever it resolves to',
    async (evil) => {
      const { server } = await served()
      expect((await server.inject({ ...get('/api/runs'), headers: { host: evil } })).statusCode).toBe(421)
    },
  )

  test('other methods, and writes that do not come from the page', async () => {
    const { server } = await served()
    const origin = `http://${host}`
    const good = { host, origin, 'x-shinsaku-write': WRITE_TOKEN }
    const url = '/api/queue/abc123/stop'
    for (const headers of [
      { host },
      { host, origin },
      { ...good, origin: 'http://evil.example' },
      { ...good, origin: 'null' },
      { ...good, 'x-shinsaku-write': 'wrong' },
    ])
      expect((await server.inject({ method: 'POST', url, headers })).statusCode).toBe(403)
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const)
      expect((await server.inject({ method, url: '/api/runs', headers: good })).statusCode).toBe(404)
    expect((await server.inject({ method: 'POST', url, headers: good, payload: {} })).statusCode).toBe(200)
  })

  test('bodies that are none: only 4xx, and no word about the inside', async () => {
    const { server } = await served()
    const headers = {
      host,
      origin: `http://${host}`,
      'x-shinsaku-write': WRITE_TOKEN,
      'content-type': 'application/json',
    }
    for (const payload of ['{', '"', '\0', `{"a":"${'x'.repeat(20_000)}"}`, '{"__proto__":{}}']) {
      const response = await server.inject({ method: 'POST', url: '/api/queue/a/move', headers, payload })
      expect(response.statusCode).toBeGreaterThanOrEqual(400)
      expect(response.statusCode).toBeLessThan(500)
      expect(codeOf(response)).toBe('REQUEST_INVALID')
    }
    const xml = { ...headers, 'content-type': 'text/xml' }
    const response = await server.inject({ method: 'POST', url: '/api/queue/a/move', headers: xml, payload: '<a/>' })
    expect(response.statusCode).toBe(415)
  })
})

describe('the queue', () => {
  test('is listed, moved and stopped; errors keep their codes', async () => {
    const asked: unknown[] = []
    const entry = { id: 'abc123', state: 'waiting' as const, command: 'x', folder: '/', since: '2026-01-01' }
    const server = await watchServer({
      queue: {
        list: async () => [entry],
        move: async (id, position) => {
          asked.push([id, position])
          if (position !== 2) throw new ShinsakuError('OPTION_INVALID', 'a wrong place')
        },
        stop: async (id) => {
          if (id !== 'abc123') throw new ShinsakuError('QUEUE_NOT_FOUND', 'no such run')
        },
      },
    })
    const headers = { host, origin: `http://${host}`, 'x-shinsaku-write': WRITE_TOKEN }
    const post = (path: string, payload: object = {}) =>
      server.inject({ method: 'POST', url: `/api/queue/${path}`, headers, payload })
    expect((await server.inject(get('/api/queue'))).json()).toEqual([entry])
    expect((await post('abc123/move', { position: 2 })).json()).toEqual({ queue: [entry] })
    const wrong = await post('abc123/move', { position: 'x' })
    expect([wrong.statusCode, codeOf(wrong)]).toEqual([400, 'OPTION_INVALID'])
    const gone = await post('zzz/stop')
    expect([gone.statusCode, codeOf(gone)]).toEqual([404, 'QUEUE_NOT_FOUND'])
    expect(asked).toEqual([
      ['abc123', 2],
      ['abc123', Number.NaN],
    ])
  })
})

describe('where others can reach it', () => {
  const token = 't'.repeat(20)

  test('every request shows the token: by address once, then by cookie, or as a program does', async () => {
    const server = await watchServer({ token, host: '0.0.0.0' })
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { cookie: 'shinsaku-token=wrong' }]) {
      expect((await server.inject(get('/api/runs', headers as Record<string, string>))).statusCode).toBe(401)
      const page = await server.inject(get('/', headers as Record<string, string>))
      expect([page.statusCode, page.body.includes('SHINSAKU_TOKEN')]).toEqual([401, true])
    }
    expect((await server.inject(get('/?token=wrong'))).statusCode).toBe(401)
    expect((await server.inject(get(`/api/runs?token=${token}`))).statusCode).toBe(401)
    const entry = await server.inject(get(`/?token=${token}`))
    expect([entry.statusCode, entry.headers.location]).toEqual([303, '/'])
    const cookie = String(entry.headers['set-cookie'])
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/)
    expect((await server.inject(get('/', { cookie: cookie.split(';')[0]! }))).statusCode).toBe(200)
    expect((await server.inject(get('/api/runs', { authorization: `Bearer ${token}` }))).statusCode).toBe(200)
  })

  test('it does not start without one, nor for wrong options', async () => {
    const folder = temporaryFolder()
    await expect(watch(folder, { host: '0.0.0.0', port: 0 })).rejects.toMatchObject({ code: 'TOKEN_MISSING' })
    await expect(watch(join(folder, 'none'), { port: 0 })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    await expect(watch('', { port: 0 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(watch(folder, { port: 70_000 })).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(watch(folder, { host: 'no host', port: 0 })).rejects.toMatchObject({ code: 'TOKEN_MISSING' })
    writeFileSync(join(folder, 'file'), '')
    await expect(watch(join(folder, 'file'), { port: 0 })).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  test('a port that is taken is PORT_TAKEN; a folder that is waited for need not be there', async () => {
    const { url, close } = await watch(join(temporaryFolder(), 'runs'), { port: 0, mayWait: true })
    const port = Number(new URL(url).port)
    await expect(watch(temporaryFolder(), { port })).rejects.toMatchObject({ code: 'PORT_TAKEN' })
    expect(await (await fetch(`${url}/api/runs`)).json()).toEqual([])
    await close()
  })
})
