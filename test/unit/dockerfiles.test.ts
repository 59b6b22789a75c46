/** docker/: both files parse, are made of what is there, and differ in the device only; their steps run without Docker. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { buildWithoutDocker, dockerfileProblems, instructionsOf } = await import(
  new URL('../package/dockerfiles.mjs', import.meta.url).href
)
type Instruction = { keyword: string; words: string[]; text: string }
const read = (name: string) => readFileSync(join(root, 'docker', name), 'utf8')
const files = readdirSync(join(root, 'docker'))
const { bin, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

test('there is one for each device', () => expect(files).toEqual(['cpu.Dockerfile', 'cuda.Dockerfile']))

describe.each(files)('%s', (name) => {
  const instructions: Instruction[] = instructionsOf(read(name))
  const of = (keyword: string) => instructions.filter((instruction) => instruction.keyword === keyword)

  test('parses, and a mistake would be noticed', () => {
    expect(dockerfileProblems(read(name))).toEqual([])
    expect(dockerfileProblems(read(name).replace('\nCOPY ', '\nCOPPY '))).not.toEqual([])
    expect(dockerfileProblems(read(name).replace(/^FROM .*$/m, ''))).not.toEqual([])
  })

  test('stands on a Node that is supported, by its version', () => {
    const [from] = of('FROM')
    expect(engines.node).toContain('>=22')
    expect(Number(from!.words[0]!.match(/^node:(\d+)-[a-z]+-slim$/)?.[1])).toBeGreaterThan(22)
  })

  test('runs as no administrator, and starts the command of the package', () => {
    expect(of('USER').at(-1)!.words).toEqual(['node'])
    expect(Object.keys(bin)).toEqual(JSON.parse(of('ENTRYPOINT').at(-1)!.text))
  })

  test('copies only what the context holds', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
    for (const { words } of of('COPY')) expect(ignored).toContain(`!${words[0]}`)
  })
})

test('they differ in the device only', () => {
  const essence = (name: string) =>
    (instructionsOf(read(name)) as Instruction[])
      .map(({ keyword, text }) => `${keyword} ${text}`)
      .filter((line) => !line.startsWith('ENV NVIDIA_'))
  expect(essence('cuda.Dockerfile')).toEqual(
    essence('cpu.Dockerfile').map((line) => line.replace('setup --cpu', 'setup --cuda')),
  )
})

describe('carrying out the steps without Docker', () => {
  const place = () => {
    const [context, folder] = ['context', 'root'].map((name) => join(temporaryFolder(), name)) as [string, string]
    for (const made of [context, folder]) mkdirSync(made)
    writeFileSync(join(context, 'a-1.tgz'), 'bytes')
    return { context, folder }
  }
  const text = `FROM node:24-bookworm-slim
RUN apt-get update \\
  && apt-get install -y nothing
WORKDIR /app
COPY a-*.tgz ./
ENV PLACE=/var/x PATH=/app/bin:$PATH
RUN cat a-1.tgz > copied && echo "$PLACE" > place
ENTRYPOINT ["program"]
`

  test('files, environment and folders are below the folder; the system is left alone', () => {
    const { context, folder } = place()
    const built = buildWithoutDocker(text, { context, folder })
    expect(readFileSync(join(folder, 'app', 'copied'), 'utf8')).toBe('bytes')
    expect(readFileSync(join(folder, 'app', 'place'), 'utf8')).toBe(`${join(folder, 'var', 'x')}\n`)
    expect(built).toMatchObject({
      cwd: join(folder, 'app'),
      entry: ['program'],
      leftOut: [expect.stringMatching(/^apt-get/)],
    })
    expect(built.env.PATH).toBe(`${join(folder, 'app', 'bin')}:${process.env.PATH}`)
    const given = buildWithoutDocker(text, { ...place(), env: { PLACE: '/elsewhere' } })
    expect(given.env.PLACE).toBe('/elsewhere')
  })

  test('a step that fails is told, and a file that is not there', () => {
    expect(() => buildWithoutDocker(`${text}RUN exit 3\n`, place())).toThrow(/exit 3/)
    expect(() => buildWithoutDocker(`${text}COPY b-*.tgz ./\n`, place())).toThrow(/b-\*/)
  })
})
