/** By whose right a model was trained, as dataset.json has it; refuses where nobody knows. */
import { ShinsakuError } from '../errors.ts'
import { type DatasetFacts, readDatasetFacts } from '../run/dataset-facts.ts'
import { datasetFile } from '../run/names.ts'

/** Throws RUN_INVALID where the run has no record of its pictures. */
export const dataFactsOf = (run: string): Promise<DatasetFacts> => readDatasetFacts(datasetFile(run))

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`

/** What is wrong with the rights, in words; empty where every picture has a licence and nobody forbids training. */
export function rightsProblems({ rights, moreRights, optOut, count }: DatasetFacts): string[] {
  const unknown = rights.filter(({ licence }) => licence === null).reduce((sum, one) => sum + one.count, 0)
  return [
    ...(unknown > 0 ? [`${unknown} of ${counted(count, 'picture')} have no licence on record`] : []),
    ...(moreRights > 0 ? [`the terms of ${counted(moreRights, 'picture')} are too many to list`] : []),
    ...(optOut > 0 ? [`the makers of ${counted(optOut, 'picture')} forbid training or data mining`] : []),
  ]
}

/** Throws RIGHTS_UNKNOWN. */
export function requireRights(run: string, facts: DatasetFacts): void {
  const problems = rightsProblems(facts)
  if (problems.length === 0) return
  throw new ShinsakuError('RIGHTS_UNKNOWN', `${run} is not published: ${problems.join('; ')}`, {
    hint: 'Put a LICENSES.csv beside the pictures and train again, or say that you have the rights: allowUnlicensed: true (--allow-unlicensed). The card then says that they are not on record.',
    details: { problems },
  })
}
