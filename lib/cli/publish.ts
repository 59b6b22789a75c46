/** `shinsaku publish`: a static site of a run. */
import type { PublishOptions } from '../index.ts'
import { publishGroups } from '../options/value-kind.ts'
import { valuesOf } from './flags.ts'
import { formatBytes, formatPath } from './format.ts'
import type { Io } from './io.ts'

const secondsText = (seconds: number) => (seconds < 10 ? seconds.toFixed(1) : seconds.toFixed(0))

/** Says how large the site will be and how long a picture may take there, writes it, and prints its folder. */
export async function publishCommand(
  run: string,
  flags: Readonly<Record<string, unknown>>,
  json: boolean,
  { stdout, stderr }: Io,
): Promise<void> {
  const { publish } = await import('../index.ts')
  const published = await publish(run, {
    ...(valuesOf(publishGroups(), flags) as PublishOptions),
    onPlan: ({ bytes, modelBytes, steps }) => {
      stderr.write(`A visitor loads ${formatBytes(bytes)}, of which the model is ${formatBytes(modelBytes)}.\n`)
      const times = steps.map(({ steps: each, seconds }) => `${secondsText(seconds)} s (steps: ${each})`)
      stderr.write(`Guessed time of a picture in a browser, on one thread: ${times.join(', ')}.\n`)
    },
  })
  stdout.write(json ? `${JSON.stringify(published)}\n` : `${formatPath(published.path)}\n`)
  stderr.write(
    'Serve that folder with any web server, such as: npx serve; a page opened as a file cannot load its model.\n',
  )
}
