/** This repository keeps the rules of helpers/architecture.ts, and each rule notices who breaks it. */
import { describe, expect, test } from 'vitest'
import * as rules from './helpers/architecture.ts'
import { readSources, type Sources } from './helpers/sources.ts'

const real = readSources()

/** The real sources with files added or replaced. */
const withFiles = (files: Record<string, string>): Sources => new Map([...real, ...Object.entries(files)])

/** A file with a line added at its end. */
const add = (path: string, line: string) => ({ [path]: `${real.get(path)}\n${line}\n` })

const owner = '/** A planted file. */\n'
const outside = (folder: string) => ['', folder, 'somebody'].join('/')

/** What to plant, and what the rule then says. */
type Plant = [files: Record<string, string>, says: string[]]

const upward = (line: string): Plant => [
  add('lib/images/xmp.ts', line),
  ['lib/images/xmp.ts imports lib/data/dataset.ts'],
]

const plants: Record<keyof typeof rules, Plant[]> = {
  pointDown: [
    upward("import { loadDataset } from '../data/dataset.ts'"),
    upward("import type { Dataset } from '../data/dataset.ts'"),
    upward("export { loadDataset } from '../data/dataset.ts'"),
    upward("export * from '../data/dataset.ts'"),
    upward("export const later = () => import('../data/dataset.ts')"),
    upward("export type Planted = import('../data/dataset.ts').Dataset"),
    [add('lib/sampling/model.ts', "import '../cli/io.ts'"), ['lib/sampling/model.ts imports lib/cli/io.ts']],
    [add('lib/cli/io.ts', "import '../../scripts/tables.mjs'"), ['lib/cli/io.ts imports scripts/tables.mjs']],
    [{ 'lib/planted.ts': `${owner}import './errors.ts'` }, ['lib/planted.ts imports lib/errors.ts']],
  ],
  noCycles: [
    [
      {
        'lib/run/a.ts': `${owner}import './b.ts'`,
        'lib/run/b.ts': `${owner}export * from './c.ts'`,
        'lib/run/c.ts': `${owner}import type { A } from './a.ts'\nimport './names.ts'`,
      },
      ['lib/run/a.ts > lib/run/b.ts > lib/run/c.ts > lib/run/a.ts'],
    ],
    [{ 'lib/run/a.ts': "export const a = () => import('./a.ts')" }, ['lib/run/a.ts > lib/run/a.ts']],
  ],
  packagesInPlace: [
    [add('lib/sampling/pictures.ts', "import type { Sharp } from 'sharp'"), ['lib/sampling/pictures.ts imports sharp']],
    [add('lib/data/folder.ts', "await import('csv-parse/sync')"), ['lib/data/folder.ts imports csv-parse']],
    [add('lib/sampling/model.ts', "import { Command } from 'commander'"), ['lib/sampling/model.ts imports commander']],
    [
      add('lib/images/sharp.ts', "import '@img/sharp-linux-x64/x'"),
      ['lib/images/sharp.ts imports @img/sharp-linux-x64'],
    ],
    [add('lib/images/sharp.ts', "import 'fs'"), ['lib/images/sharp.ts imports fs']],
    [add('lib/images/sharp.ts', 'await import(name)'), ['lib/images/sharp.ts imports (computed) name']],
  ],
  addonInPlace: [
    [add('lib/sampling/model.ts', 'process.dlopen(module, path)'), ['lib/sampling/model.ts names dlopen']],
    [
      add('lib/sampling/model.ts', "import { createRequire } from 'node:module'"),
      ['lib/sampling/model.ts names createRequire'],
    ],
    [
      add('lib/sampling/model.ts', "import build from 'node-gyp-build'"),
      ['lib/sampling/model.ts names node-gyp-build'],
    ],
  ],
  oneWriter: [
    [
      add('lib/sampling/model.ts', "import { writeFile } from 'node:fs/promises'"),
      ['lib/sampling/model.ts names writeFile'],
    ],
    [
      add('lib/sampling/model.ts', "import { rename as move, stat } from 'node:fs/promises'"),
      ['lib/sampling/model.ts names rename'],
    ],
    [add('lib/run/names.ts', "import * as fs from 'node:fs'"), ['lib/run/names.ts names fs']],
    [add('lib/run/names.ts', "import fs from 'fs'"), ['lib/run/names.ts names fs']],
    [add('lib/files/append.ts', "import { open } from 'node:fs/promises'"), ['lib/files/append.ts names open']],
    [add('lib/sampling/pictures.ts', 'await image.toFile(path)'), ['lib/sampling/pictures.ts names toFile']],
    [add('lib/files/append.ts', 'await file.truncate(3)'), ['lib/files/append.ts names truncate']],
    [add('lib/sampling/model.ts', "import { readFile, type FileHandle } from 'node:fs/promises'"), []],
  ],
  signalsInCli: [
    [add('lib/sampling/model.ts', "process.once('SIGTERM', stop)"), ['lib/sampling/model.ts names SIGTERM']],
  ],
  lightIndex: [
    [
      { 'lib/index.ts': "export { a } from './run/a.ts'", 'lib/run/a.ts': "import { type ZodType } from 'zod'" },
      ['lib/index.ts > lib/run/a.ts > package zod'],
    ],
    [
      { 'lib/index.ts': "export * from './a.ts'", 'lib/a.ts': "import 'sharp'" },
      ['lib/index.ts > lib/a.ts > package sharp'],
    ],
    [{ 'lib/index.ts': "export type * from 'zod'\nexport const a = () => import('sharp')" }, []],
  ],
  twoWorlds: [
    [
      {
        'native/core/a.h': '#include <ATen/core/Tensor.h>',
        'native/napi/a.h': '#include "core/a.h"',
        'native/napi/a.cc': '#  include <napi.h>\n#include "a.h"',
      },
      [
        'native/napi/a.h sees native/core/a.h',
        'native/napi/a.cc sees native/core/a.h',
        'native/napi/a.cc sees napi.h and ATen/core/Tensor.h',
      ],
    ],
    [{ 'native/core/a.cc': '#include <node_api.h>' }, ['native/core/a.cc sees node_api.h']],
    [
      { 'native/napi/a.h': '#pragma once', 'native/core/a.cc': '#include "napi/a.h"' },
      ['native/core/a.cc sees native/napi/a.h'],
    ],
    [{ 'native/napi/a.h': '#include <napi.h>\n/*\n#include <c10/core/Device.h>\n*/\n// #include <torch/all.h>' }, []],
  ],
  fineHeaders: [
    [add('native/core/optim/ema.cc', '#include <torch/torch.h>'), ['native/core/optim/ema.cc includes torch/torch.h']],
    [add('native/core/optim/ema.h', '#include "ATen/ATen.h"'), ['native/core/optim/ema.h includes ATen/ATen.h']],
  ],
  silentNative: [
    ...['iostream', 'istream', 'cstdio', 'stdio.h', 'filesystem', 'sys/stat.h'].map(
      (name): Plant => [
        add('native/core/optim/ema.cc', `#include <${name}>`),
        [`native/core/optim/ema.cc includes ${name}`],
      ],
    ),
    ...['printf', 'fprintf', 'cout', 'cerr', 'fopen', 'ofstream'].map(
      (name): Plant => [add('native/napi/queue.h', `std::${name};`), [`native/napi/queue.h names ${name}`]],
    ),
    [add('native/core/optim/ema.cc', '// printf\n/* cout */ const char* s = "a \\" fopen";'), []],
  ],
  saysWhatItOwns: [
    [{ 'lib/run/a.ts': 'export const a = 1\n' }, ['lib/run/a.ts']],
    [{ 'lib/run/a.ts': '#!/usr/bin/env node\n/** */\n' }, ['lib/run/a.ts']],
    [{ 'native/core/a.h': '#pragma once\n// A.\n' }, ['native/core/a.h']],
    [{ 'scripts/a.mjs': '// @ts-check\n' }, ['scripts/a.mjs']],
    [{ 'test/golden/make/a.py': 'import torch\n' }, ['test/golden/make/a.py']],
  ],
  short: [
    [{ 'test/unit/a.test.ts': '\n'.repeat(400) }, []],
    [{ 'test/unit/a.test.ts': '\n'.repeat(401) }, ['test/unit/a.test.ts has 401 lines']],
    [{ 'native/core/a.cc': '\n'.repeat(500) }, ['native/core/a.cc has 500 lines']],
  ],
  finished: ['TO', 'FIX'].map((start, i) => {
    const word = start + ['DO', 'ME'][i]
    return [add('lib/sampling/model.ts', `// ${word}: more`), [`lib/sampling/model.ts says ${word}`]]
  }),
  anyMachine: ['work', 'tmp', 'home'].map((folder) => [
    add('README.md', `See ${outside(folder)}/notes.`),
    [`README.md says ${outside(folder)}`],
  ]),
}

describe.each(Object.entries(rules))('%s', (name, rule) => {
  const kept = rule(real)
  const cases = plants[name as keyof typeof rules].map(([files, says]) => ({
    files,
    says,
    title: says.length === 0 ? 'lets pass what is right' : `notices: ${says.join('; ')}`,
  }))

  test('is kept', () => {
    expect(kept).toEqual([])
  })

  test.each(cases)('$title', ({ files, says }) => {
    const found = rule(withFiles(files)).filter((line) => !kept.includes(line))
    expect(found.sort()).toEqual([...says].sort())
  })
})

test('every kind of source is read', () => {
  for (const path of ['lib/errors.ts', 'native/core/api.h', 'native/napi/addon.cc', 'scripts/build.mjs', 'README.md'])
    expect(real.get(path)).toMatch(/\w/)
})
