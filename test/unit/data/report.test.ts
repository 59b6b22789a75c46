/** The data report: a sheet, a text and JSON, of what was found; over older ones, and never data itself. */
import { readFileSync } from 'node:fs'
import { copyFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { type DatasetOptions, loadDataset } from '../../../lib/data/dataset.ts'
import { writeReport } from '../../../lib/data/report.ts'
import { temporaryFolder } from '../../helpers/folder.ts'
import { BLUE, datasetOptions, drawFaces, flat } from '../../helpers/pictures.ts'

async function damagedFolder(): Promise<string> {
  const root = await drawFaces(temporaryFolder(), 12)
  await copyFile(join(root, 'face-03.png'), join(root, 'copy of 3.png'))
  await sharp(join(root, 'face-04.png')).flop().png().toFile(join(root, 'mirrored.png'))
  await flat(BLUE, 64).png().toFile(join(root, 'bl\u00fce & <one>.png'))
  return root
}

/** Writes the report on `root`; resolves with its files and the warnings before training. */
async function report(root: string, folder: string, over: Partial<DatasetOptions> = {}) {
  const options = datasetOptions(root, { size: 16, ...over })
  const dataset = await loadDataset(options, { cacheFolder: temporaryFolder() })
  try {
    return { ...(await writeReport(folder, dataset)), warnings: dataset.warnings }
  } finally {
    await dataset.store.close()
  }
}

test.each(['memory', 'file'] as const)(
  'shows and names what was found, on both sides; pixels in %s',
  async (pixelStore) => {
    const root = await damagedFolder()
    const { sheet, text, json, warnings } = await report(root, join(temporaryFolder(), 'deep', 'report'), {
      pixelStore,
      holdout: 8,
    })
    const { width, height, channels } = await sharp(sheet).metadata()
    expect([width, channels]).toEqual([1072, 3])
    expect(height).toBeGreaterThan(400)
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({
      count: 7,
      heldOut: 8,
      counts: { copies: 2, nearDuplicates: 2, blank: 1 },
      findings: [
        { reason: 'copies', detail: '2 times', paths: ['copy of 3.png', 'face-03.png'] },
        { reason: 'nearDuplicates', detail: '2 alike', paths: ['face-04.png', 'mirrored.png'] },
        { reason: 'blank', detail: 'one colour', paths: ['bl\u00fce & <one>.png'] },
      ],
    })
    const words = readFileSync(text, 'utf8')
    expect(words).toContain('7 pictures to train on, 8 held out')
    expect(words).toContain('  face-04.png, mirrored.png (2 alike)')
    expect(warnings.join('\n')).toMatch(
      /Look at these: near-duplicates 2 \(face-04\.png, mirrored\.png\); one colour only 1 \(.+\)\. "shinsaku describe PICTURES --report" shows them\./,
    )
  },
)

test('the colours of the pictures are on the sheet', async () => {
  const { sheet } = await report(await damagedFolder(), temporaryFolder())
  const { data, info } = await sharp(sheet).raw().toBuffer({ resolveWithObject: true })
  let blue = 0
  for (let i = 0; i < data.length; i += info.channels)
    if (data[i] === BLUE[0] && data[i + 1] === BLUE[1] && data[i + 2] === BLUE[2]) blue += 1
  expect(blue).toBe(112 * 112)
})

test('nothing found is said, and a report in the folder of pictures is not read as one of them', async () => {
  const root = await drawFaces(temporaryFolder(), 4)
  for (let i = 0; i < 2; i++) {
    const { text, json } = await report(root, root)
    expect(readFileSync(text, 'utf8')).toContain('Nothing suspicious was found.')
    expect(JSON.parse(readFileSync(json, 'utf8'))).toMatchObject({ count: 4, counts: {}, findings: [] })
  }
  expect((await readdir(root)).sort()).toEqual([
    ...[0, 1, 2, 3].map((i) => `face-0${i}.png`),
    'report.json',
    'report.png',
    'report.txt',
  ])
})

test('of very many alike a few are shown, and all are named', async () => {
  const root = temporaryFolder()
  for (let i = 0; i < 40; i++)
    await flat([6 * i, 0, 255 - 6 * i], 16)
      .png()
      .toFile(join(root, `${i}.png`))
  const { sheet, text } = await report(root, temporaryFolder())
  expect((await sharp(sheet).metadata()).height).toBeLessThan(1800)
  const words = readFileSync(text, 'utf8')
  for (let i = 0; i < 40; i++) expect(words).toContain(`${i}.png (one colour)`)
})

test('a folder that cannot be made is FILE_FAILED', async () => {
  const file = join(temporaryFolder(), 'file')
  await writeFile(file, '')
  await expect(report(await drawFaces(temporaryFolder(), 2), join(file, 'report'))).rejects.toMatchObject({
    code: 'FILE_FAILED',
  })
})
