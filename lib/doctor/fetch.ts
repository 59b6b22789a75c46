/** What stands in the way of fetching libtorch: looked at by `shinsaku doctor` where there is none. */
import { constants, existsSync } from 'node:fs'
import { access, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileError } from '../errors.ts'
import { lockHolder } from '../files/lock.ts'
import { autoFlavour, requireSpace } from '../libtorch/fetch.ts'
import { fetchPlaces, lastFailure } from '../libtorch/fetch-state.ts'
import { requirePip, run } from '../libtorch/pip.ts'
import { userCacheFolder } from '../system/cache.ts'
import { type Check, check, good, wrong } from './check.ts'

const flavours = ['cuda', 'cpu'] as const
const folder = () => join(userCacheFolder(), 'libtorch')

/** Whether a fetch runs, is forbidden, has failed or was cut. */
async function fetchCheck(): Promise<Check> {
  for (const flavour of flavours) {
    const holder = await lockHolder(folder(), `lock-${flavour}`)
    if (holder !== undefined)
      return wrong(
        'fetch',
        `process ${holder.pid} is fetching libtorch`,
        'Wait until it has ended, then run: npx shinsaku doctor',
      )
  }
  if (process.env.SHINSAKU_OFFLINE === '1')
    return wrong(
      'fetch',
      'SHINSAKU_OFFLINE=1 forbids it',
      'Unset SHINSAKU_OFFLINE, or set LIBTORCH to an unpacked libtorch.',
    )
  for (const flavour of flavours) {
    const failure = await lastFailure(folder(), flavour)
    if (failure)
      return wrong(
        'fetch',
        `the last one failed at ${failure.at}: ${failure.code}${failure.reason && ` (${failure.reason})`}`,
        failure.advice,
      )
  }
  const left = await readdir(folder()).catch(() => [])
  const unfinished = flavours.flatMap((flavour) => {
    const { kept, scratch } = fetchPlaces(folder(), flavour)
    return left.filter((name) => name === basename(kept) || name.startsWith(basename(scratch)))
  })
  if (unfinished.length > 0) return wrong('fetch', 'one was cut before its end', 'Take it up again: npx shinsaku setup')
  return good('fetch', 'none was tried yet')
}

const pythonCheck = (): Promise<Check> =>
  check('python', async () => {
    const python = await requirePip({})
    const { tail } = await run(python, ['-m', 'pip', '--version'], {})
    const [, pip, version] = tail.match(/^pip (\S+).*\(python (\S+)\)/) ?? []
    return pip ? `Python ${version}, pip ${pip}` : tail
  })

/** Whether what is fetched can be written, and fits. */
const diskCheck = (): Promise<Check> =>
  check('disk', async () => {
    let there = folder()
    while (!existsSync(there) && there !== dirname(there)) there = dirname(there)
    await access(there, constants.W_OK | constants.X_OK).catch((cause) => {
      throw fileError('write', there, cause)
    })
    return `${((await requireSpace(there, autoFlavour())) / 1e9).toFixed(0)} GB free for the cache`
  })

export async function fetchChecks(): Promise<Check[]> {
  const place = await check('fetch', folder)
  if (place.state !== 'ok') return [place, await pythonCheck()]
  return [await fetchCheck(), await pythonCheck(), await diskCheck()]
}
