/** The kernels for arm64, compiled and emulated where both can be done; `npm run arm64-check` is the long form. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { compilerFor, runArm64, whyNot } = await import(new URL('../arm64/machine.mjs', import.meta.url).href)
const reason: string | null = whyNot()

test.skipIf(reason !== null)(
  `NEON kernels are within 1e-5 of their definitions in double${reason === null ? '' : `; not here: ${reason}`}`,
  () => {
    const program = join(temporaryFolder(), 'kernels_check')
    const flags = '-std=c++20 -O2 -ffp-contract=fast -fno-math-errno -fno-trapping-math -static -I native'
    const files = ['native/core/ops/cpu/kernels/neon.cc', 'test/arm64/kernels_check.cc']
    execFileSync(compilerFor(), [...flags.split(' '), ...files, '-o', program], { cwd: root })
    const lines = (runArm64(program, []) as string).trim().split('\n')
    const cases = lines.map((line) => JSON.parse(line) as { name: string; error: number })
    expect(cases.length).toBeGreaterThan(10)
    expect(cases.filter(({ error }) => !(error < 1e-5))).toEqual([])
  },
)
