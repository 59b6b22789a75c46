/** The models that pytorch_GAN_zoo has published: where they are, and how a download that was cut short shows. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { ShinsakuError, visible } from '../../errors.ts'
import { measure } from '../../files/read.ts'
import { invalid } from '../../pytorch/failures.ts'

const FOLDER = 'https://dl.fbaipublicfiles.com/gan_zoo/PGAN/'

/** Names of the models in torch.hub, and their files. */
export const hubFiles: Readonly<Record<string, string>> = {
  'celebAHQ-256': 'celebaHQ_s6_i80000-6196db68.pth',
  'celebAHQ-512': 'celebaHQ16_december_s7_i96000-9c72988c.pth',
  DTD: 'testDTD_s5_i96000-04efa39f.pth',
  celeba: 'celebaCropped_s5_i83000-2b0acc76.pth',
}

/** Throws FILE_FAILED where a path is not there, but the name, or the file, of a published model: it says where to get it. */
export async function requireNoHubName(path: string): Promise<void> {
  const name = basename(path)
  const file = hubFiles[name] ?? Object.values(hubFiles).find((known) => known === name)
  if (file === undefined || (await stat(path).catch(() => undefined))) return
  throw new ShinsakuError('FILE_FAILED', `There is no ${visible(path)}; "${name}" is a model of pytorch_GAN_zoo`, {
    hint: `Fetch it with: curl -O ${FOLDER}${file}. Its name ends in the first digits of its SHA-256, which are checked when it is read.`,
    details: { path, url: FOLDER + file },
  })
}

/** What torch.hub puts at the end of a name: the first digits of the file's SHA-256. */
const CHECKED = /-([0-9a-f]{8})\.pth$/

/** Throws PYTORCH_INVALID for a file whose bytes are not those that its name promises. */
export async function requireNamedHash(path: string): Promise<void> {
  const expected = CHECKED.exec(basename(path))?.[1]
  if (expected === undefined) return
  const { sha256 } = await measure(path)
  if (!sha256.startsWith(expected))
    throw invalid(
      path,
      `its name says that its SHA-256 begins with ${expected}, but that begins with ${sha256.slice(0, 8)}; download it again, or rename it if it is another file`,
    )
}
