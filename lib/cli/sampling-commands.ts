/** The commands that sample pictures: sample, walk, like, fill, and those of models with a condition. */
import type { Command } from 'commander'
import { conditionNames, conditions } from '../options/condition.ts'
import { fillGroups, likeGroups, loadGroups, sampleGroups, walkGroups } from '../options/value-kind.ts'
import { addCommonFlags, type Flags, newestRunHere, runArgument } from './command.ts'
import { conditionEdit, fillEdit, likeEdit } from './edit.ts'
import { addFlags } from './flags.ts'
import type { Io } from './io.ts'
import { sampleCommand } from './sample.ts'
import { walkCommand } from './walk.ts'

/** Where sampled pictures go. */
function addTargets(command: Command): void {
  command.option(
    '-o, --out <PATH>',
    'grid of all pictures (.png or .webp), or the name of a folder for one file each, written as they are finished (default: grid.png)',
  )
  command.option('--grid <FILE>', 'grid to write beside the folder named by --out, in the same pass')
  command.option('--scale <N>', 'enlarge the pictures of a grid N times, each pixel a square (default: 1)')
  command.option('--format <NAME>', 'format of the files in a folder: png or webp (default: png)')
  command.option(
    '--overwrite',
    'replace files in the folder; without it those of the same model and options are kept and not sampled again, and others refuse the command',
  )
}

export function addSample(program: Command, io: Io, done: (code: number) => void): void {
  const command = program.command('sample').argument('[run]', runArgument)
  command.description('Sample pictures with a trained model.')
  addCommonFlags(command)
  addTargets(command)
  addFlags(command, [...loadGroups(), ...sampleGroups()])
  command.action(async (given: string | undefined, flags: Flags) => {
    const run = given ?? (await newestRunHere(io))
    done(await sampleCommand(run, flags, flags.json === true, io))
  })
}

export function addWalk(program: Command, io: Io, done: (code: number) => void): void {
  const command = program.command('walk').argument('[run]', runArgument)
  command.description('Walk from picture to picture: an animation of what lies between seeds.')
  addCommonFlags(command)
  command.option(
    '-o, --out <PATH>',
    'animation (.webp, .gif, .png or .apng), or the name of a folder for one file a picture',
    'walk.webp',
  )
  command.option('--fps <N>', 'pictures of an animation shown in a second (default: 20)')
  command.option('--scale <N>', 'enlarge the pictures of an animation N times, each pixel a square (default: 1)')
  command.option('--format <NAME>', 'format of the files in a folder: png or webp (default: png)')
  command.option('--overwrite', 'replace files in the folder, which refuse the command otherwise')
  addFlags(command, [...walkGroups(), ...loadGroups()])
  command.action(async (given: string | undefined, flags: Flags) => {
    const run = given ?? (await newestRunHere(io))
    done(await walkCommand(run, flags, flags.json === true, io))
  })
}

export function addEdits(program: Command, io: Io, done: (code: number) => void): void {
  const picture = 'picture file, which becomes a square as those of training did'
  const like = program.command('like').argument('<run>', runArgument).argument('<picture>', picture)
  like.description('Sample pictures like a given one, with a diffusion model.')
  addCommonFlags(like)
  addTargets(like)
  addFlags(like, [...loadGroups(), ...likeGroups()])
  like.action(async (run: string, given: string, flags: Flags) =>
    done(await sampleCommand(run, flags, flags.json === true, io, likeEdit(given))),
  )
  const fill = program.command('fill').argument('<run>', runArgument).argument('<picture>', picture)
  fill.argument('<mask>', 'picture file: what is white is filled, what is black stays as it is')
  fill.description('Fill a part of a picture, with a diffusion model.')
  addCommonFlags(fill)
  addTargets(fill)
  addFlags(fill, [...loadGroups(), ...fillGroups()])
  fill.action(async (run: string, given: string, mask: string, flags: Flags) =>
    done(await sampleCommand(run, flags, flags.json === true, io, fillEdit(given, mask))),
  )
  for (const condition of conditionNames) {
    const { name, takes, help } = conditions[condition]
    if (help === undefined) continue
    const command = program.command(name).argument('<run>', runArgument).argument('<picture>', `file of ${takes}`)
    command.description(`${help}, with a model that was trained with --condition ${condition}.`)
    addCommonFlags(command)
    addTargets(command)
    addFlags(command, [...loadGroups(), ...sampleGroups()])
    command.action(async (run: string, given: string, flags: Flags) =>
      done(await sampleCommand(run, flags, flags.json === true, io, conditionEdit(condition, given))),
    )
  }
}
