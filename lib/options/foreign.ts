/** What other programs call an option: such a name is answered with ours. */

type Foreign = { readonly ours: string; readonly how?: string }

/** Ours, then what others write for it, in lower case and without dashes. */
const names: readonly (readonly [ours: string, theirs: string])[] = [
  [
    'data',
    'data datadir datapath dataroot dataset datasetdir datasetname traindata traindatadir folder imagedir images',
  ],
  ['size', 'imagesize imgsize imagewidth imageresolution resolution res pixels'],
  ['channels', 'imagechannels imgchannels inchannels nc'],
  ['batch', 'batchsize bs minibatch minibatchsize trainbatchsize perdevicetrainbatchsize batchgpu'],
  ['accumulate', 'gradientaccumulateevery gradientaccumulationsteps gradaccum gradaccumsteps accumgrad'],
  ['lr', 'learningrate trainlr baselr'],
  ['lrSchedule', 'lrscheduler scheduler'],
  ['warmup', 'warmupsteps lrwarmupsteps lrwarmup'],
  ['clipGradNorm', 'maxgradnorm gradclip gradclipping clipgrad gradientclipping'],
  ['betas', 'adambetas adambeta1 beta1'],
  ['emaDecay', 'ema emarate emabeta useema'],
  ['emaEvery', 'emaupdateevery updateemaevery'],
  ['out', 'output outdir outputdir outputpath resultsfolder resultsdir savedir savepath logdir'],
  ['resume', 'resumefrom resumefromcheckpoint checkpoint ckpt load loadmodel continue'],
  ['seed', 'randomseed manualseed'],
  ['device', 'gpu gpus ngpu numgpus gpuid gpuids cuda usecuda accelerator'],
  ['threads', 'numthreads nthreads cpus'],
  ['loaderWorkers', 'workers numworkers nworkers dataloadernumworkers numcpuworkers'],
  ['precision', 'amp fp16 bf16 half mixedprecision'],
  ['flip', 'hflip mirror xflip horizontalflip randomflip augmenthorizontalflip'],
  ['crop', 'centercrop randomcrop'],
  ['maxTime', 'duration timelimit maxduration'],
  [
    'checkpointImages',
    'saveevery saveinterval savesteps savefreq saveandsampleevery checkpointevery snap snapshotevery',
  ],
  ['keepCheckpoints', 'checkpointstotallimit savetotallimit'],
  ['logImages', 'logevery loginterval logfreq loggingsteps'],
  ['previews', 'nsample samplegrid'],
  ['dim', 'modelchannels basechannels basedim'],
  ['dimMults', 'channelmult channelmults chmult chmults'],
  ['timesteps', 'diffusionsteps numdiffusionsteps numtimesteps numtraintimesteps ddpmnumsteps'],
  ['schedule', 'betaschedule noiseschedule ddpmbetaschedule'],
  ['objective', 'predictiontype parameterization predict'],
  ['latent', 'nz latentdim zdim'],
  ['width', 'ngf ndf'],
  ['channelBase', 'cbase fmapbase'],
  ['channelMax', 'cmax fmapmax'],
  ['mappingLayers', 'mapdepth'],
  ['r1Gamma', 'gamma r1'],
  ['augmentTarget', 'target adatarget'],
  ['augmentP', 'augp'],
  ['truncation', 'trunc truncationpsi psi'],
  ['noise', 'noisemode'],
  ['count', 'samples numsamples nsamples nsample numimages nimages numoutputimages'],
  [
    'steps',
    'numsteps nsteps numinferencesteps inferencesteps samplingsteps samplingtimesteps ddimsteps ddpmnuminferencesteps',
  ],
  ['eta', 'ddimeta ddimsamplingeta'],
  ['sampler', 'samplingmethod'],
  ['weights', 'ema useema'],
]

const toImages: readonly (readonly [how: string, theirs: string])[] = [
  ['epochs times the number of pictures', 'epochs epoch nepochs numepochs maxepochs trainepochs numtrainepochs'],
  [
    'steps times batch times accumulate',
    'steps step nsteps numsteps maxsteps trainsteps trainnumsteps maxtrainsteps iterations iteration iters iter niter numiterations maxiterations maxiters totalsteps updates',
  ],
  ['kimg times 1000', 'kimg totalkimg'],
]

const plain = (name: string): string => name.toLowerCase().replace(/[-_]/g, '')

const table: ReadonlyMap<string, readonly Foreign[]> = (() => {
  const all = new Map<string, Foreign[]>()
  const add = (theirs: string, entry: Foreign) => {
    for (const name of theirs.split(' ')) all.set(name, [...(all.get(name) ?? []), entry])
  }
  for (const [ours, theirs] of names) add(theirs, { ours })
  for (const [how, theirs] of toImages) add(theirs, { ours: 'maxImages', how })
  return all
})()

/** What is called `name` elsewhere, of the options in `known`, and how its value is computed where it counts something else. */
export const foreignName = (name: string, known: readonly string[]): Foreign | undefined =>
  table.get(plain(name))?.find(({ ours }) => known.includes(ours))
