/** A study in small: methods trained, evaluated and compared; interrupted, it goes on; of other options, it refuses. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type StudyCall, type StudyRow, study } from '../../lib/index.ts'
import { temporaryFolder } from '../helpers/folder.ts'
import { useOwnCache } from '../helpers/runs.ts'

useOwnCache()

const small: StudyCall = {
  minutes: 0.03,
  size: 32,
  count: 8,
  methods: ['few'],
  extractor: 'none',
  device: 'cpu',
  threads: 1,
}
const data = 'builtin:icons:24'

test('each method has its row; what is finished is not done again; an interrupted study goes on', async () => {
  const out = join(temporaryFolder(), 'study')
  const call: StudyCall = { ...small, methods: ['few', 'dcgan'], out, against: ['builtin:icons:12:777'] }
  const abort = new AbortController()
  const lines: string[] = []
  const stopped = study(data, {
    ...call,
    signal: abort.signal,
    onLog: (line) => lines.push(line),
    onProgress: ({ method }) => method === 'dcgan' && abort.abort(),
  })
  await expect(stopped).rejects.toMatchObject({ code: 'ABORT_ERR' })
  const first = JSON.parse(await readFile(join(out, 'few', 'result.json'), 'utf8')) as StudyRow
  expect(first).toMatchObject({ method: 'few', failure: null, judgement: { n: 8 } })
  expect(lines.filter((line) => line.includes('training for'))).toHaveLength(2)

  const result = await study(data, call)
  expect(result.rows[0]).toEqual(first)
  expect(result.rows.map(({ method }) => method)).toEqual(['few', 'dcgan'])
  for (const { judgement, report, run } of result.rows) {
    expect(judgement!.reasons.fid).toBeTypeOf('string')
    expect(judgement!.copyShare).not.toBeNull()
    expect(await readFile(report!, 'utf8')).toContain('<!doctype html>')
    // It went on with the run that was stopped.
    expect((await readdir(join(run, '..'))).filter((name) => /^\d/.test(name))).toHaveLength(1)
  }
  expect(result.comparisons).toMatchObject([{ folder: 'builtin:icons:12:777', judgement: { n: 12 } }])
  expect(await readFile(result.files.markdown, 'utf8')).toContain('| Diffusion for few pictures | ')
  await expect(study(data, { ...call, size: 64 })).rejects.toMatchObject({
    code: 'RESUME_MISMATCH',
    details: { changed: ['size'] },
  })
}, 120_000)

describe('wrong input', () => {
  const wrong: [string, StudyCall, string][] = [
    ['a method that is not there', { methods: ['stylegan3' as 'few'] }, 'OPTION_INVALID'],
    ['a method twice', { methods: ['few', 'few'] }, 'OPTION_INVALID'],
    ['no time', { minutes: 0 }, 'OPTION_INVALID'],
    ['a size that a method cannot have', { methods: ['few', 'dcgan'], size: 48 }, 'OPTION_INVALID'],
    ['no such option', { minute: 3 } as StudyCall, 'OPTION_INVALID'],
  ]
  test.each(wrong)('%s', async (_, call, code) => {
    const out = join(temporaryFolder(), 'study')
    await expect(study(data, { ...small, ...call, out })).rejects.toMatchObject({ code })
    await expect(readdir(out)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('data that is not there', async () => {
    const out = join(temporaryFolder(), 'study')
    await expect(study('no/such/folder', { ...small, out })).rejects.toMatchObject({ code: 'DATA_NOT_FOUND' })
  })
})
