/** Looks at everything that this package needs on a machine, and says what is wrong and what to do about it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { storedExtractors } from '../evaluate/extractor/store.ts'
import { findBuilds, usableMinors } from '../libtorch/builds.ts'
import { autoFlavour } from '../libtorch/fetch.ts'
import { findLibtorch, type Libtorch } from '../libtorch/find.ts'
import { extractorNames } from '../options/evaluate.ts'
import { glibcVersion, requirePlatform } from '../system/platform.ts'
import { nodeRange, version } from '../system/version.ts'
import { type Check, check, good, wrong } from './check.ts'
import { fetchChecks } from './fetch.ts'
import type { Probe } from './probe.ts'
import { redact } from './redact.ts'

export type Diagnosis = {
  shinsaku: string
  /** Whether training would work. */
  ok: boolean
  checks: Check[]
}

export type Machine = {
  process?: Pick<NodeJS.Process, 'platform' | 'arch' | 'versions'>
  /** What loading comes to, in a process of its own. */
  probe?: () => Promise<Probe>
}

/** Whether a version is in a range of the forms "^20.19" and ">=22.12", joined by "||". */
export function isInRange(version: string, range: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return range.split('||').some((part) => {
    const [, sign, wantMajor, wantMinor] = part.trim().match(/^(\^|>=)(\d+)\.(\d+)$/) ?? []
    if (major === Number(wantMajor)) return minor >= Number(wantMinor)
    return sign === '>=' && major > Number(wantMajor)
  })
}

function nodeCheck(node: string): Check {
  const text = `Node ${node}, needed is ${nodeRange}`
  return isInRange(node, nodeRange)
    ? good('node', text)
    : wrong('node', text, `Install Node ${nodeRange}: https://nodejs.org/en/download`)
}

function addonCheck(): Check {
  const builds = findBuilds()
  if (builds.addons.size === 0)
    return wrong('addon', 'the package holds no native part', 'Reinstall the package; in a clone run: npm run build')
  return good('addon', `${builds.local ? 'built here' : 'prebuilt'} for torch ${usableMinors(builds).join(', ')}`)
}

/** Loads everything in a process of its own, which may crash without taking this one along. */
function runProbe(): Promise<Probe> {
  const script = fileURLToPath(new URL('./probe.js', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [script], { timeout: 120_000 }, (error, stdout) => {
      try {
        resolve(JSON.parse(stdout))
      } catch {
        const how = error?.signal ? `by ${error.signal}` : `with code ${error?.code ?? 0}`
        const advice = 'Fetch libtorch anew: delete the folder libtorch in the cache and run: npx shinsaku setup'
        resolve({ code: null, message: `the process that loaded it ended ${how}`, advice })
      }
    })
  })
}

function gpuCheck(gpu: string, problem: string | null, { flavour }: Libtorch): Check {
  if (problem === null) return good('gpu', gpu)
  if (autoFlavour() === 'cpu' || process.env.SHINSAKU_DEVICE === 'cpu') return good('gpu', `none in use: ${problem}`)
  const advice =
    flavour === 'cpu'
      ? 'Fetch the build for GPUs: npx shinsaku setup --cuda'
      : 'See that nvidia-smi lists the GPU, and update the NVIDIA driver.'
  return { name: 'gpu', state: 'warning', text: problem, advice }
}

async function loadChecks(libtorch: Libtorch, probe: () => Promise<Probe>): Promise<Check[]> {
  const probed = await probe()
  if ('message' in probed)
    return [wrong('load', `${probed.code ? `${probed.code}: ` : ''}${probed.message}`, probed.advice)]
  const { builtFor, cpu, threads, gpu, gpuProblem, pictures } = probed
  return [
    good('load', `the addon for torch ${builtFor} works: ${cpu}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`),
    gpuCheck(gpu, gpuProblem, libtorch),
    good('pictures', pictures),
  ]
}

const ours = /^(LIBTORCH\w*|SHINSAKU_\w+|OMP_\w+|CUDA_VISIBLE_DEVICES|XDG_CACHE_HOME)$/
// These hold addresses of indexes and proxies, and passwords in them.
const nameOnly = /^(PIP_\w+|(HTTPS?|ALL|NO)_PROXY)$/i

/** Which extractors there are to measure with. None is needed to train. */
async function metricsCheck(): Promise<Check> {
  const stored = await storedExtractors()
  const missing = extractorNames.filter((name) => !stored.includes(name))
  if (stored.length === 0)
    return good('metrics', 'no extractor: evaluate measures by pixels alone; npx shinsaku setup --metrics fetches one')
  return good('metrics', `${stored.join(', ')}${missing.length > 0 ? `; not there: ${missing.join(', ')}` : ''}`)
}

/** What is set in the environment that this package or pip reads. */
function environmentCheck(): Check {
  const set = Object.entries(process.env)
    .filter(([name, value]) => value && (ours.test(name) || nameOnly.test(name)))
    .map(([name, value]) => (nameOnly.test(name) ? `${name} is set` : `${name}=${value}`))
  return good('environment', set.length > 0 ? set.sort().join(', ') : 'nothing that matters is set')
}

/** One line without what is private. */
const clean = (text: string): string =>
  redact(
    text
      .trim()
      .replace(/:\s*\n\s*/g, ': ')
      .replace(/\s*\n\s*/g, '; '),
  )

/** Looks at the machine. Changes nothing, and goes to no network. */
export async function diagnose(machine: Machine = {}): Promise<Diagnosis> {
  const { process: host = process, probe = runProbe } = machine
  const checks = [
    await check('system', () => {
      if (!findBuilds().local) requirePlatform(host)
      return `${host.platform}-${host.arch}, glibc ${glibcVersion() ?? 'none'}`
    }),
    nodeCheck(host.versions.node),
    addonCheck(),
  ]
  let libtorch: Libtorch | undefined
  const found = await check('libtorch', () => {
    libtorch = findLibtorch()
    return `${libtorch.version} for ${libtorch.flavour === 'cuda' ? 'GPUs' : 'CPUs'}, in ${libtorch.root}`
  })
  checks.push(found)
  if (libtorch) {
    if (checks.every(({ state }) => state === 'ok')) checks.push(...(await loadChecks(libtorch, probe)))
  } else if (!process.env.LIBTORCH && process.env.LIBTORCH_USE_PYTORCH !== '1') {
    // It would be fetched: what stands in the way of that?
    checks.push(...(await fetchChecks()))
  }
  checks.push(await metricsCheck(), environmentCheck())
  return {
    shinsaku: version,
    ok: checks.every(({ state }) => state !== 'wrong'),
    checks: checks.map(({ text, advice, ...rest }) => ({
      ...rest,
      text: clean(text),
      ...(advice && { advice: clean(advice) }),
    })),
  }
}
