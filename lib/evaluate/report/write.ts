/** Writes report.html and report.json, which hold the same: one for people, one for programs. */
import { join } from 'node:path'
import { toJson, writeDurable } from '../../files/write.ts'
import type { ReportContent } from './content.ts'
import { reportPage } from './page.ts'

export type ReportPaths = { html: string; json: string }

/** Everything but the pictures. */
function toRecord({ judgement, samples: _, reals: __, overTime, pairs, ...rest }: ReportContent) {
  return {
    ...judgement,
    ...rest,
    overTime: overTime.map(({ images }) => images),
    pairs: pairs.map(({ by, pairs: list }) => ({
      by,
      pairs: list.map(({ sample: ___, reference: ____, ...pair }) => pair),
    })),
  }
}

/** Both in a folder that is there; report.json comes last. */
export async function writeReport(folder: string, content: ReportContent): Promise<ReportPaths> {
  const paths = { html: join(folder, 'report.html'), json: join(folder, 'report.json') }
  await writeDurable(paths.html, reportPage(content))
  await writeDurable(paths.json, toJson(toRecord(content)))
  return paths
}
