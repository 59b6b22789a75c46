import { expect, test } from 'vitest'
import { redact } from '../../../lib/doctor/redact.ts'

// Put together here: no source of this project names a folder of somebody's machine.
const [ada, adam, bob] = [
  ['home', 'ada'],
  ['home', 'adam'],
  ['Users', 'bob'],
].map((parts) => ['', ...parts].join('/'))
const person = { home: ada!, user: 'ada', host: 'engine-7' }

test.each([
  [`${ada}/.cache/shinsaku`, '~/.cache/shinsaku'],
  [`in ${ada}`, 'in ~'],
  [`${adam}/x and ${bob}/y`, '/home/<user>/x and /Users/<user>/y'],
  ['/data/ada/libtorch on engine-7', '/data/<user>/libtorch on <host>'],
  ['adaptive moments, engine-70', 'adaptive moments, engine-70'],
  ['https://ada:pw@pypi.example/simple', 'https://<secret>@pypi.example/simple'],
  ['http://token@host/x, /opt/libtorch', 'http://<secret>@host/x, /opt/libtorch'],
])('%s', (text, clean) => {
  expect(redact(text, person)).toBe(clean)
})

test('nothing is known of the person: nothing is lost', () => {
  expect(redact('/opt/libtorch root', { home: '/', user: '', host: '' })).toBe('/opt/libtorch root')
  expect(redact('rooted in /srv/x', { home: '/srv', user: 'root', host: 'h' })).toBe('rooted in ~/x')
})
