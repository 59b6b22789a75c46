// The Dockerfiles of docker/: what is wrong with one, and its steps carried out in a folder, where there is no Docker.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import dockerfileAst from 'dockerfile-ast'
import dockerfileUtils from 'dockerfile-utils'

/** Its instructions in order, with lines that are continued as one. */
export const instructionsOf = (text) =>
  dockerfileAst.DockerfileParser.parse(text)
    .getInstructions()
    .map((instruction) => ({
      keyword: instruction.getKeyword(),
      words: instruction.getArguments().map((word) => word.getValue()),
      text: (instruction.getArgumentsContent() ?? '').replace(/\\\n\s*/g, ' '),
    }))

/** What the parser finds wrong, by line. */
export const dockerfileProblems = (text) =>
  dockerfileUtils.validate(text).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)

/** @param {string} line @param {string} cwd @param {NodeJS.ProcessEnv} env */
const run = (line, cwd, env) => execFileSync('sh', ['-ec', line], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })

/** Only a system of its own has these. */
const needsSystem = /^(apt-get|adduser|useradd) /

/**
 * Carries out the steps below `folder`, which stands for /, with the files of `context`. Steps that change the system are
 * left out, and `USER` is who runs this. `env` wins over the file's. Returns how to start what was built.
 */
export function buildWithoutDocker(text, { context, folder, env = /** @type {NodeJS.ProcessEnv} */ ({}) }) {
  /** @type {{ cwd: string, env: NodeJS.ProcessEnv, entry: string[], done: string[], leftOut: string[] }} */
  const built = { cwd: folder, env: { ...process.env, ...env }, entry: [], done: [], leftOut: [] }
  for (const { keyword, words, text: line } of instructionsOf(text)) {
    if (keyword === 'WORKDIR') {
      built.cwd = join(folder, line)
      mkdirSync(built.cwd, { recursive: true })
    } else if (keyword === 'ENV') {
      for (const word of words) {
        const [name = '', value = ''] = word.split(/=(.*)/s)
        const here = value
          .split(':')
          .map((part) => (part.startsWith('/') ? join(folder, part) : part.replace('$PATH', built.env.PATH ?? '')))
        built.env[name] = env[name] ?? here.join(':')
      }
    } else if (keyword === 'COPY') {
      run(`cp -R ${words.slice(0, -1).join(' ')} "$TARGET"`, context, {
        PATH: process.env.PATH,
        TARGET: join(built.cwd, words.at(-1) ?? '.'),
      })
    } else if (keyword === 'RUN' && needsSystem.test(line)) built.leftOut.push(line)
    else if (keyword === 'RUN') {
      run(line, built.cwd, built.env)
      built.done.push(line)
    } else if (keyword === 'ENTRYPOINT') built.entry = JSON.parse(line)
  }
  return built
}

/** Builds what the file says, and trains with what it starts. */
export function checkDockerfile(path, { context, folder, env }) {
  const { entry, done, leftOut, ...place } = buildWithoutDocker(readFileSync(path, 'utf8'), { context, folder, env })
  const [program = '', ...words] = entry
  const training = 'train builtin:icons --size 16 --dim 8 --dim-mults 1,2 --batch 4 --max-images 8 --previews 0'
  const out = execFileSync(program, [...words, ...training.split(' '), '--json'], { ...place, encoding: 'utf8' })
  const summary = `${done.length} steps done, ${leftOut.length} left out`
  if (!out.includes('"images":8')) throw new Error(`${summary}, but it did not train: ${out}`)
  return summary
}
