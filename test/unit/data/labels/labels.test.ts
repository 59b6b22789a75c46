/** Labels beside pictures: folders, captions and tables, what a model can be told of them, and what is refused. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import type { DatasetHooks, DatasetOptions } from '../../../../lib/data/dataset.ts'
import { applyLabels } from '../../../../lib/data/labels/apply.ts'
import { describeLabels, labelWarnings, mirrorWarning } from '../../../../lib/data/labels/describe.ts'
import { learnLabels } from '../../../../lib/data/labels/learn.ts'
import { encodeAll, encodeLabels, type LabelSet, labelGroups, labelWidth } from '../../../../lib/options/labels.ts'
import { captionWords } from '../../../../lib/options/words.ts'
import { temporaryFolder } from '../../../helpers/folder.ts'
import { datasetOptions, flat, loadPixels } from '../../../helpers/pictures.ts'

let cacheFolder: string
let root: string
beforeEach(() => {
  cacheFolder = temporaryFolder()
  root = temporaryFolder()
})

async function put(...paths: string[]): Promise<void> {
  for (const [index, path] of paths.entries()) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    await flat([index * 20, 255 - index * 20, 9], 8, 8)
      .png()
      .toFile(join(root, path))
  }
}

const text = (path: string, content: string) => {
  writeFileSync(join(root, path), content)
  return join(root, path)
}

const load = (labels: DatasetOptions['labels'], over: Partial<DatasetOptions> = {}, hooks: DatasetHooks = {}) =>
  loadPixels(datasetOptions(root, { labels: labels!, ...over }), { cacheFolder, ...hooks })

const refused = (message: RegExp) => ({ code: 'LABELS_INVALID', message: expect.stringMatching(message) })

describe('folders', () => {
  test('are classes; a picture in none has no label, and is named', async () => {
    await put('cats/a.png', 'cats/old/b.png', 'dogs/c.png', 'd.png')
    const { labels, manifest, warnings } = await load('folders')
    expect(labels).toEqual({
      from: 'folders',
      attributes: [{ name: 'class', kind: 'class', values: ['cats', 'dogs'], counts: [2, 1] }],
    })
    expect(manifest.files.map((file) => file.labels)).toEqual([
      { class: 'cats' },
      { class: 'cats' },
      {},
      { class: 'dogs' },
    ])
    expect(warnings.join('\n')).toMatch(/1 of 4 pictures have no label: d\.png/)
    expect(warnings.join('\n')).toMatch(/fewer than 10 pictures.*: cats 2, dogs 1/)
  })

  test('one folder tells nothing apart, and drawn icons are in none', async () => {
    await put('cats/a.png', 'cats/b.png')
    await expect(load('folders')).rejects.toMatchObject(refused(/tell no pictures apart: of class/))
    await expect(load('folders', { data: 'builtin:icons:4' })).rejects.toMatchObject(refused(/Drawn icons/))
  })
})

describe('captions', () => {
  test('are tags or sentences; words of one picture and of all are left out', async () => {
    await put('a.png', 'b.png', 'c.png')
    text('a.txt', 'A girl with red hair and a hat')
    text('b.txt', 'girl, blue hair, hat\n')
    text('c.txt', 'girl in red')
    const { labels, manifest, warnings } = await load('captions')
    expect(labels!.attributes).toEqual([{ name: 'words', kind: 'words', values: ['hat', 'red'], counts: [2, 2] }])
    expect(manifest.files.map((file) => file.labels)).toEqual([
      { words: ['hat', 'red'] },
      { words: ['hat'] },
      { words: ['red'] },
    ])
    expect(warnings.join('\n')).toMatch(/2 words of words are left out, because one picture alone has each/)
    expect(manifest.ignored).toEqual({})
  })

  test('an empty one says that nothing is known; a missing one and one that is no text are refused', async () => {
    await put('a.png', 'b.png', 'c.png')
    for (const [name, said] of [
      ['a', 'red'],
      ['b', 'red'],
      ['c', ''],
    ] as const)
      text(`${name}.txt`, said)
    await expect(load('captions')).rejects.toMatchObject(refused(/tell no pictures apart/))
    text('a.txt', 'red, round')
    await put('d.png')
    await expect(load('captions')).rejects.toMatchObject({
      ...refused(/1 of 4 pictures have no caption: d\.txt is missing/),
      details: { missing: ['d.txt'], count: 1 },
    })
    writeFileSync(join(root, 'd.txt'), Uint8Array.of(0xff, 0xfe))
    await expect(load('captions')).rejects.toMatchObject({ code: 'LABELS_INVALID', cause: expect.anything() })
  })

  test('are cut into words that prompts are cut into as well', () => {
    expect(captionWords('The girl is wearing a Red hat, ')).toEqual(['girl', 'red', 'hat'])
    expect(captionWords('Dark  Red, round;round\nsad')).toEqual(['dark red', 'round', 'sad'])
    expect(captionWords(' \n')).toEqual([])
  })
})

const csv = 'file,hair,glasses,age\na.png,red,yes,10\nb.png,brown,no,\nsub/c.png,red,,30\n'

describe('a table', () => {
  test('has classes, yes or no, and degrees; what is empty is unknown', async () => {
    await put('a.png', 'b.png', 'sub/c.png', 'z.png')
    const { labels, manifest, warnings } = await load(text('labels.csv', `${csv}gone.png,red,yes,10\n`))
    expect(labels!.attributes).toEqual([
      { name: 'hair', kind: 'class', values: ['brown', 'red'], counts: [1, 2] },
      { name: 'glasses', kind: 'number', min: 0, max: 1, count: 2 },
      { name: 'age', kind: 'number', min: 10, max: 30, count: 2 },
    ])
    expect(manifest.files.map((file) => file.labels)).toEqual([
      { hair: 'red', glasses: 1, age: 10 },
      { hair: 'brown', glasses: 0 },
      { hair: 'red', age: 30 },
      {},
    ])
    expect(warnings.join('\n')).toMatch(/name 1 pictures that are not there: gone\.png/)
    expect(warnings.join('\n')).toMatch(/1 of 4 pictures have no label: z\.png/)
  })

  test('in JSON is the same, with words as lists and a class as one value', async () => {
    await put('a.png', 'b.png', 'sub/c.png')
    const same = text(
      'labels.json',
      JSON.stringify({
        'a.png': { hair: 'red', glasses: true, age: 10 },
        'b.png': { hair: 'brown', glasses: false, age: null },
        'sub/c.png': { hair: 'red', age: 30 },
      }),
    )
    const { manifest } = await load(same)
    const { manifest: ofCsv } = await load(text('labels.csv', csv))
    expect(manifest.files).toEqual(ofCsv.files)
    expect(manifest.labelsDigest).toBe(ofCsv.labelsDigest)
    const list = text(
      'list.json',
      JSON.stringify([
        { file: 'a.png', words: ['red', 'sad'] },
        { file: 'b.png', words: ['red'] },
        { file: 'sub/c.png', words: ['sad'] },
      ]),
    )
    expect((await load(list)).labels!.attributes).toEqual([
      { name: 'words', kind: 'words', values: ['red', 'sad'], counts: [2, 2] },
    ])
    const classes = text('classes.json', JSON.stringify({ 'a.png': 1, 'b.png': 2 }))
    expect((await load(classes)).labels!.attributes).toMatchObject([
      { name: 'class', kind: 'class', values: ['1', '2'] },
    ])
  })

  test.each([
    ['none.csv', '', /none\.csv/, false],
    ['empty.csv', '', /line 1: the file is empty/, true],
    ['a.csv', 'name,hair\na.png,red\n', /line 1: the column file is missing/, true],
    ['a.csv', 'file\na.png\n', /line 1: there is no column beside file/, true],
    ['a.csv', 'file,hair,hair\n', /line 1: a column has no name, or two have the same/, true],
    ['a.csv', 'file,hair\na.png,red,3\n', /line 2: /, true],
    ['a.csv', 'file,hair\na.png,red\na.png,blue\n', /line 3: "a\.png" is there twice/, true],
    [
      'a.csv',
      'file,hair\nx.png,red\n',
      /names none of the 2 pictures: it names "x\.png", they are "a\.png", "b\.png"/,
      true,
    ],
    ['a.csv', 'file,hair\na.png,red\nb.png,red\n', /tell no pictures apart: of hair/, true],
    ['a.csv', 'file,hair\na.png,\nb.png,\n', /No picture that is trained on has a label/, true],
    ['a.json', '{', /is not JSON/, true],
    ['a.json', '{"a.png": {"hair": {}}}', /expected form/, true],
    ['a.json', '[{"hair": "red"}]', /entry 0: "file" is missing/, true],
    [
      'a.txt',
      'x',
      /neither "folders", "captions", "classes", "attributes" nor a file that ends in \.csv or \.json/,
      true,
    ],
  ])('%s of %j is refused', async (name, content, message, there) => {
    await put('a.png', 'b.png')
    const path = there ? text(name, content) : join(root, name)
    await expect(load(path)).rejects.toMatchObject(refused(message))
  })

  test('names as classes are too many', () => {
    const rows = Array.from({ length: 12 }, (_, i) => new Map([['name', `n${i}`]]))
    expect(() => learnLabels('x.csv', rows)).toThrow(/12 values of labels for 12 pictures, which is too many/)
  })
})

describe('both sides', () => {
  test('words are those of the pictures that are trained on', async () => {
    await put('x/a.png', 'x/b.png', 'y/c.png', 'y/d.png', 'y/e.png', 'z/f.png')
    const first = await load('folders')
    const recorded = {
      files: first.manifest.files.filter(({ path }) => path !== 'z/f.png'),
      heldOut: first.manifest.files.filter(({ path }) => path === 'z/f.png'),
    }
    const { labels, manifest } = await load('folders', { holdout: 1 }, { recorded })
    expect(labels!.attributes).toMatchObject([{ values: ['x', 'y'], counts: [2, 3] }])
    expect(manifest.heldOut!.map((file) => file.labels)).toEqual([{}])
  })

  test('a run that goes on keeps its words, and other labels have another digest', async () => {
    await put('x/a.png', 'y/b.png', 'z/c.png')
    const set: LabelSet = {
      from: 'folders',
      attributes: [{ name: 'class', kind: 'class', values: ['x', 'y'], counts: [1, 1] }],
    }
    const kept = await load(set)
    expect(kept.labels).toEqual(set)
    expect(kept.manifest.files.map((file) => file.labels)).toEqual([{ class: 'x' }, { class: 'y' }, {}])
    const now = await load('folders')
    expect(now.manifest.digest).toBe(kept.manifest.digest)
    expect(now.manifest.labelsDigest).not.toBe(kept.manifest.labelsDigest)
    expect((await load(null)).manifest).not.toHaveProperty('labelsDigest')
  })
})

const set: LabelSet = {
  from: 'x.csv',
  attributes: [
    { name: 'hair', kind: 'class', values: ['brown', 'red'], counts: [3, 20] },
    { name: 'age', kind: 'number', min: 10, max: 30, count: 23 },
    { name: 'words', kind: 'words', values: ['hat', 'left hand', 'sad'], counts: [12, 15, 11] },
  ],
}

test('a row has the values, degrees from 0 to 1, and for each attribute whether it is unknown', () => {
  expect([labelGroups(set), labelWidth(set)]).toEqual([[0, 0, 1, 2, 2, 2], 9])
  expect(encodeLabels(set, { hair: 'red', age: 15, words: ['sad', 'hat'] })).toEqual([0, 1, 0.25, 1, 0, 1, 0, 0, 0])
  expect(encodeLabels(set, { words: [] })).toEqual([0, 0, 0, 0, 0, 0, 1, 1, 0])
  expect([...encodeAll(set, [{}, { labels: { age: 30 } }])]).toEqual([
    ...[0, 0, 0, 0, 0, 0, 1, 1, 1],
    ...[0, 0, 1, 0, 0, 0, 1, 0, 1],
  ])
})

test('what a set does not know is unknown', () => {
  const raw = new Map<string, string | string[]>([
    ['hair', 'green'],
    ['age', '31'],
    ['words', ['sad', 'new']],
    ['other', 'x'],
  ])
  expect(applyLabels(set, raw)).toEqual({ words: ['sad'] })
})

test('what there is of each is said, and what mirroring makes wrong', () => {
  expect(describeLabels(set)).toEqual([
    'hair: red 20, brown 3',
    'age: from 10 to 30, known of 23',
    'words: left hand 15, hat 12, sad 11',
  ])
  expect(labelWarnings(set, [{ path: 'a', labels: { age: 10 } }])).toEqual([
    'Labels that fewer than 10 pictures have give near copies of these: brown 3.',
  ])
  expect(mirrorWarning(set)).toMatch(/speak of sides: left hand/)
  expect(mirrorWarning({ ...set, attributes: set.attributes.slice(0, 2) })).toBeUndefined()
})
