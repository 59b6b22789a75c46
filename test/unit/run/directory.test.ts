import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createRunDirectory, openRunDirectory, readConfig } from '../../../lib/run/directory.ts'
import { forEveryFault, withFault } from '../../helpers/faults.ts'
import { temporaryFolder } from '../../helpers/folder.ts'

const json = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

describe('a run folder', () => {
  test('holds its records and says where the rest goes', async () => {
    const out = temporaryFolder()
    const run = await createRunDirectory(out, 'diffusion-32-icons')
    expect(basename(run.path)).toBe('00000-diffusion-32-icons')
    const options = { model: 'diffusion', size: 32, maxTime: null, holdout: 0 }
    await run.writeConfig(options)
    await run.writeEnvironment({ node: 'v22' })
    await run.writeDataset({ files: [] })
    const { version } = json(join(import.meta.dirname, '../../../package.json'))
    expect(json(join(run.path, 'config.json'))).toEqual({ format: 1, shinsaku: version, options })
    expect(await readConfig(run.path)).toEqual(options)
    expect(json(join(run.path, 'environment.json'))).toEqual({ node: 'v22' })
    expect(json(run.datasetPath)).toEqual({ files: [] })
    expect(run.realsPath).toBe(join(run.path, 'reals.png'))
    expect(run.samplePath(128)).toBe(join(run.path, 'samples', '000000128.png'))
    await run.writeSample(0, Buffer.from('png'))
    expect(readFileSync(run.samplePath(0), 'utf8')).toBe('png')
    await run.close()
    expect(readdirSync(run.path).sort()).toEqual(['config.json', 'dataset.json', 'environment.json', 'samples'])
  })

  test('has one owner at a time', async () => {
    const run = await createRunDirectory(temporaryFolder(), 'a')
    await run.writeConfig({})
    await expect(openRunDirectory(run.path)).rejects.toMatchObject({ code: 'RUN_LOCKED' })
    await run.close()
    await (await openRunDirectory(run.path)).close()
  })

  test('is not any folder', async () => {
    const folder = temporaryFolder()
    await expect(openRunDirectory(folder)).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    await expect(openRunDirectory(join(folder, 'missing'))).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    expect(readdirSync(folder)).toEqual([])
  })

  test.each([
    '',
    '{}',
    '{"format":1}',
    '{"format":2,"shinsaku":"9","options":{}}',
    '{"format":1,"shinsaku":"1","options":[]}',
  ])('config.json of %j is refused', async (text) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'config.json'), text)
    await expect(readConfig(folder)).rejects.toMatchObject({ code: 'RUN_INVALID' })
  })

  test.each(['', '{}', '{"digest":1,"count":1}', '{"digest":"a","count":0}'])(
    'dataset.json of %j is refused',
    async (text) => {
      const run = await createRunDirectory(temporaryFolder(), 'a')
      writeFileSync(run.datasetPath, text)
      await expect(run.readDataset()).rejects.toMatchObject({ code: 'RUN_INVALID' })
      await run.close()
    },
  )

  test('a record is the old one or the new one at every fault', async () => {
    const run = await createRunDirectory(temporaryFolder(), 'a')
    await forEveryFault(async (at) => {
      const [old, other] = [{ holdout: 1 }, { holdout: 2 }]
      await run.writeConfig(old)
      const outcome = await withFault({ at, dead: true }, () => run.writeConfig(other))
      expect([old, other]).toContainEqual(await readConfig(run.path))
      return outcome
    })
    await run.close()
  })
})

describe('logs', () => {
  const metrics = (path: string) =>
    readFileSync(join(path, 'metrics.jsonl'), 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line).images)

  test('grow line by line, across owners', async () => {
    const first = await createRunDirectory(temporaryFolder(), 'a')
    await first.writeConfig({})
    await first.appendLog('one\nmore')
    await first.sync()
    await first.close()
    writeFileSync(join(first.path, 'log.txt'), `${readFileSync(join(first.path, 'log.txt'), 'utf8')}cut`)
    const second = await openRunDirectory(first.path)
    await Promise.all([second.appendLog('two'), second.appendLog('three')])
    await second.close()
    expect(readFileSync(join(first.path, 'log.txt'), 'utf8')).toBe('one\n  more\ntwo\nthree\n')
  })

  test('metrics after a position are dropped, and so is what is no line of metrics', async () => {
    const run = await createRunDirectory(temporaryFolder(), 'a')
    await run.truncateRecords(0)
    const path = join(run.path, 'metrics.jsonl')
    writeFileSync(
      path,
      '{"images":4}\n{"images":8}\nnull\n{"images":"6"}\n[]\nnonsense\n{"images":12}\n{"images":8.5}\n{"images":16}\n{"images":',
    )
    await run.truncateRecords(12)
    expect(metrics(run.path)).toEqual([4, 8, 12, 8.5])
    await run.truncateRecords(8)
    await run.appendMetrics({ images: 12, loss: 0.5 })
    await run.close()
    expect(metrics(run.path)).toEqual([4, 8, 12])
  })

  test('sheets drawn after a position are removed, and nothing else is', async () => {
    const run = await createRunDirectory(temporaryFolder(), 'a')
    for (const images of [0, 12, 16, 5_000_000_000]) await run.writeSample(images, Buffer.from('png'))
    writeFileSync(join(run.path, 'samples', 'mine.png'), '')
    await run.truncateRecords(12)
    expect(readdirSync(join(run.path, 'samples')).sort()).toEqual(['000000000.png', '000000012.png', 'mine.png'])
    await run.close()
  })

  test('truncation keeps the old lines or the right ones at every fault', async () => {
    const run = await createRunDirectory(temporaryFolder(), 'a')
    await forEveryFault(async (at) => {
      writeFileSync(join(run.path, 'metrics.jsonl'), '{"images":4}\n{"images":8}\n')
      const outcome = await withFault({ at, dead: true, code: 'ENOSPC' }, () => run.truncateRecords(4))
      expect([[4], [4, 8]]).toContainEqual(metrics(run.path))
      if (outcome.error) expect(outcome.error).toMatchObject({ code: 'DISK_FULL' })
      return outcome
    })
    await run.close()
  })

  test('a log that cannot be written is a coded error, and the lock is let go all the same', async () => {
    const run = await createRunDirectory(temporaryFolder(), 'a')
    await run.writeConfig({})
    mkdirSync(join(run.path, 'metrics.jsonl'))
    await expect(run.appendMetrics({ images: 1 })).rejects.toMatchObject({ code: 'FILE_FAILED' })
    await expect(run.truncateRecords(0)).rejects.toMatchObject({ code: 'FILE_FAILED' })
    await run.close()
    await (await openRunDirectory(run.path)).close()
  })
})
