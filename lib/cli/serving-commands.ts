/** The commands that show models and runs to others: serve, publish, watch, queue and mcp. */
import type { Command } from 'commander'
import { publishGroups, serveGroups, serverGroups, watchGroups } from '../options/value-kind.ts'
import { addCommonFlags, type Flags, newestRunHere, runArgument, runsFolder } from './command.ts'
import { addFlags } from './flags.ts'
import type { Io } from './io.ts'
import { mcpCommand } from './mcp.ts'
import { publishCommand } from './publish.ts'
import { queueCommand } from './queue.ts'
import { serveCommand } from './serve.ts'
import { watchCommand } from './watch.ts'

export function addServe(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('serve')
    .argument('[runs...]', `what to serve, each as PATH or NAME=PATH: ${runArgument}`)
  command.description('Serve pictures of models over HTTP: the API of image clients, metrics, and a demo page at /.')
  addCommonFlags(command)
  addFlags(command, [...serverGroups(), ...serveGroups()])
  command.action(async (given: string[], flags: Flags) => {
    const runs = given.length > 0 ? given : [await newestRunHere(io)]
    done(await serveCommand(runs, flags, flags.json === true, io))
  })
}

export function addPublish(program: Command, io: Io): void {
  const command = program
    .command('publish')
    .argument('[run]', `run folder, or one checkpoint of it (default: the newest run in ${runsFolder})`)
  command.description("Write a static site that samples in the visitor's browser, without a server.")
  addCommonFlags(command)
  addFlags(command, publishGroups())
  command.action(async (given: string | undefined, flags: Flags) => {
    const run = given ?? (await newestRunHere(io))
    await publishCommand(run, flags, flags.json === true, io)
  })
}

export function addWatch(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('watch')
    .argument('[runs]', `folder of runs, or one run in it (default: ${runsFolder})`)
  command.description('Serve a page to watch runs by: curves, samples over time, data, options, log, and the queue.')
  addCommonFlags(command)
  addFlags(command, watchGroups())
  command.action(async (runs: string | undefined, flags: Flags) =>
    done(await watchCommand(runs ?? runsFolder, runs === undefined, flags, flags.json === true, io)),
  )
}

export function addQueue(program: Command, io: Io): void {
  const command = program
    .command('queue')
    .argument('[action]', 'stop, or move; without one the queue is only listed')
    .argument('[id]', 'which run, as the list names it')
    .argument('[position]', 'where move puts it among those that wait: 1 is next')
  command.description('List the runs that train --queue has put in line on this machine; stop one, or move one.')
  addCommonFlags(command)
  command.action((action: string | undefined, id: string | undefined, position: string | undefined, flags: Flags) =>
    queueCommand([action, id, position], flags.json === true, io),
  )
}

export function addMcp(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('mcp')
    .description(
      'Serve train, status, sample and evaluate to programs, by the Model Context Protocol on stdin and stdout.',
    )
  addCommonFlags(command)
  command.action(async () => done(await mcpCommand(io)))
}
