/** R38: previews of a single colour are warned about, in the log, once the network has learned anything. */
import { expect, test } from 'vitest'
import { resolveTrain } from '../../../lib/options/resolve.ts'
import type { RunDirectory } from '../../../lib/run/directory.ts'
import type { Model } from '../../../lib/sampling/model.ts'
import { Pictures } from '../../../lib/sampling/pictures.ts'
import { writePreview } from '../../../lib/train/previews.ts'
import type { RunLog } from '../../../lib/train/run-log.ts'
import { noise } from '../../helpers/pictures.ts'

const SIZE = 8
const BYTES = SIZE * SIZE * 3

/** What is logged when previews with these pixels, one function for each, are drawn at `images`. */
async function loggedAt(images: number, pixels: readonly ((i: number) => number)[]): Promise<string[]> {
  const lines: string[] = []
  const bytes = pixels.flatMap((valueAt) => Array.from({ length: BYTES }, (_, i) => valueAt(i)))
  const pictures = new Pictures(Uint8Array.from(bytes), SIZE, 3, [...pixels.keys()], {})
  const directory = { writeSample: async () => {}, samplePath: () => 'grid.png' } as unknown as RunDirectory
  const runLog = { log: (line: string) => lines.push(line), picture: () => {} } as unknown as RunLog
  const options = resolveTrain({ size: 16, previews: pixels.length })
  const model = { options, autoWeights: 'raw', sample: async () => pictures } as unknown as Model
  await writePreview(directory, runLog, model, images, () => {})
  return lines
}

const black = () => 0
const grey = () => 127
const busy = (i: number) => noise(i)

test('R38: black and grey previews are counted in one line that says what to do', async () => {
  expect(await loggedAt(4000, [black, busy, grey])).toEqual([
    'Preview: grid.png, with the latest weights',
    expect.stringMatching(/^Warning: 2 of 3 previews at 4000 images are a single colour\. .*lower lr$/),
  ])
})

test('R38: pictures are not warned about, nor is what an untrained network draws', async () => {
  expect(await loggedAt(4000, [busy, busy])).toEqual(['Preview: grid.png, with the latest weights'])
  expect(await loggedAt(0, [black, grey])).toEqual([])
})
