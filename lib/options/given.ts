/** Options as callers give them, with what each means. Generated from the tables by `npm run docs`; do not edit. */
import type { models } from '../models/table.ts'
import type { loadSpecs } from './common.ts'
import type { exportSpecs } from './export.ts'
import type { Given } from './option-spec.ts'
import type { sampleSpecs } from './sample.ts'
import type { trainSpecs } from './train.ts'

/** Options of `train()` that every kind of model has. */
export interface CommonTrainGiven {
  /** Kind of model. Default: "diffusion". */
  model?: Given<typeof trainSpecs>['model']
  /** Set every option to what a published source says; what you give yourself overrides it. Default: null. */
  recipe?: Given<typeof trainSpecs>['recipe']
  /** Folder of pictures, a list of files, tar archives such as "shards/{000..123}.tar", "builtin:icons[:COUNT[:SEED]]" for the built-in face icons, or "builtin:fonts[:FACE,FACE[:COUNT[:SEED]]]" for letters in installed typefaces (docs/fonts.md). Default: "builtin:icons". */
  data?: Given<typeof trainSpecs>['data']
  /** Folder that receives the numbered run folders. Default: "runs". */
  out?: Given<typeof trainSpecs>['out']
  /** Resume the newest run of this kind in out, or the run that is named. Default: false. */
  resume?: Given<typeof trainSpecs>['resume']
  /** Options that may differ from those the resumed run was started with, or "data" for its pictures; null for none. Default: null. */
  allowChanges?: Given<typeof trainSpecs>['allowChanges']
  /** Side of the square pictures, in pixels. Default: diffusion 128; dcgan 64 (chainer: 96); pgan 128 (small: 32); stylegan2 128; classifier 64. */
  size?: Given<typeof trainSpecs>['size']
  /** Channels: 1 grey, 3 colour, 4 colour with transparency. Default: 3. */
  channels?: Given<typeof trainSpecs>['channels']
  /** Seed of weights, order, flips and noise. Default: 3407. */
  seed?: Given<typeof trainSpecs>['seed']
  /** Pictures in one forward pass. Default: diffusion 16; dcgan 64 (chainer: 100, radford: 128); pgan 16; stylegan2 32; classifier 100. */
  batch?: Given<typeof trainSpecs>['batch']
  /** Forward passes whose gradients are added for one update. Default: 1. */
  accumulate?: Given<typeof trainSpecs>['accumulate']
  /** Learning rate of Adam. Default: diffusion 0.0001; dcgan 0.0002; pgan 0.001; stylegan2 0.0025 (paper: 0.002, r3gan: 0.0002); classifier 0.001. */
  lr?: Given<typeof trainSpecs>['lr']
  /** How the learning rate changes from warm-up to maxImages. Default: "constant". */
  lrSchedule?: Given<typeof trainSpecs>['lrSchedule']
  /** Images over which the learning rate rises from 0. Default: 0. */
  warmup?: Given<typeof trainSpecs>['warmup']
  /** Clip the norm of the gradients to this; null for no clipping. Default: diffusion 1 (0.26: null); dcgan null; pgan null; stylegan2 null; classifier null. */
  clipGradNorm?: Given<typeof trainSpecs>['clipGradNorm']
  /** Adam's decay rates. Default: diffusion [0.9, 0.99]; dcgan [0.5, 0.999]; pgan [0, 0.99]; stylegan2 [0, 0.99]; classifier [0.9, 0.999]. */
  betas?: Given<typeof trainSpecs>['betas']
  /** Decay of the averaged weights (EMA); null for no average. Default: diffusion 0.995; dcgan null; pgan 0.999; stylegan2 0.9978; classifier null. */
  emaDecay?: Given<typeof trainSpecs>['emaDecay']
  /** Updates from one averaging to the next. Default: diffusion 10; dcgan 1; pgan 1; stylegan2 1; classifier 1. */
  emaEvery?: Given<typeof trainSpecs>['emaEvery']
  /** Average over the latest part of the run, however long that is, in place of emaDecay: its spread as a share of the run, such as 0.1 (sigma_rel of EDM2); null for emaDecay. Default: null. */
  emaLength?: Given<typeof trainSpecs>['emaLength']
  /** Arithmetic of the training step. "auto" is tf32 on CUDA and fp32 on the CPU. Default: "auto". */
  precision?: Given<typeof trainSpecs>['precision']
  /** Compute with PyTorch's own operations, bit for bit, and on a GPU with deterministic convolutions only. Slower on the CPU. Default: false. */
  exact?: Given<typeof trainSpecs>['exact']
  /** Use only deterministic algorithms on a GPU: the same seed gives the same bytes again on the same GPU. Slower. Default: false. */
  deterministic?: Given<typeof trainSpecs>['deterministic']
  /** Where to compute. "auto" takes a GPU if there is one. Default: "auto". */
  device?: Given<typeof trainSpecs>['device']
  /** CPU threads; 0 uses all that the process, or its container, may use. Default: 0. */
  threads?: Given<typeof trainSpecs>['threads']
  /** Mirror half of the pictures at random. Default: diffusion true; dcgan true; pgan true; stylegan2 true; classifier false. */
  flip?: Given<typeof trainSpecs>['flip']
  /** DataLoader workers whose random streams are reproduced; it changes which pictures are mirrored. Default: 1. */
  loaderWorkers?: Given<typeof trainSpecs>['loaderWorkers']
  /** Colour behind transparent pictures when channels is 1 or 3. Default: "#ffffff". */
  background?: Given<typeof trainSpecs>['background']
  /** How a picture that is not square is fitted: cropped, padded with background, or stretched. Default: "cover". */
  fit?: Given<typeof trainSpecs>['fit']
  /** Which part is kept when fit is "cover". Default: "centre". */
  crop?: Given<typeof trainSpecs>['crop']
  /** What to do with a picture that cannot be decoded. Default: "skip". */
  onUnreadable?: Given<typeof trainSpecs>['onUnreadable']
  /** What to do with files that are equal byte for byte. Default: "keep". */
  duplicates?: Given<typeof trainSpecs>['duplicates']
  /** Pictures that are never trained on, so that what the model makes can be compared with them: how many, or a share below 1. "auto" holds out a tenth, at least 16, from 100 pictures on. Near-duplicates stay on one side. Recipes and exact hold out none unless you say so. Default: "auto". */
  holdout?: Given<typeof trainSpecs>['holdout']
  /** What is known of each picture, so that it can be asked for: "folders" for a class for each folder, "captions", "classes" or "attributes" for a .txt, .cls or .json file beside each picture, or a .csv or .json file of attributes; null for none. A run keeps what it found there. Default: diffusion null; dcgan null; pgan null; stylegan2 null; classifier "folders". */
  labels?: Given<typeof trainSpecs>['labels']
  /** Largest picture that is decoded, in pixels; larger ones count as unreadable. Up to four are decoded at once: at the default, progressive JPEGs and interlaced PNGs may take 1.6 GB together and AVIF 4 GB; other JPEGs shrink while they load. Default: 67108864. */
  maxPixels?: Given<typeof trainSpecs>['maxPixels']
  /** Where decoded pixels are while a run trains: all in memory, or in a file of the cache that is read ahead. "auto" takes the file where they would fill more than a quarter of the memory. Default: "auto". */
  pixelStore?: Given<typeof trainSpecs>['pixelStore']
  /** Stop once the network has seen this many images. Default: diffusion 1600000; dcgan 1600000; pgan 8448000 (small: 1120000); stylegan2 25000000; classifier 50000. */
  maxImages?: Given<typeof trainSpecs>['maxImages']
  /** Train within this time, such as 5m or 1h, from the call to the last checkpoint: size, network, batch and schedule are chosen for the pictures and this machine where they are not given, and maxImages follows from the clock. Not with a recipe or exact; null to choose all yourself. Default: null. */
  time?: Given<typeof trainSpecs>['time']
  /** Stop after this time, such as 20m or 12h; null for no limit. Default: null. */
  maxTime?: Given<typeof trainSpecs>['maxTime']
  /** Images between two checkpoints with previews. Default: diffusion 16000; dcgan 16000; pgan 16000; stylegan2 40000; classifier 10000. */
  checkpointImages?: Given<typeof trainSpecs>['checkpointImages']
  /** Longest time between two checkpoints. Default: "10m". */
  checkpointTime?: Given<typeof trainSpecs>['checkpointTime']
  /** Checkpoints to keep; older ones are deleted. Default: 3. */
  keepCheckpoints?: Given<typeof trainSpecs>['keepCheckpoints']
  /** Look for copies of training pictures at checkpoints, and warn. Off for recipes and with exact unless you ask for it. Default: diffusion true; dcgan true; pgan true; stylegan2 true; classifier false. */
  guard?: Given<typeof trainSpecs>['guard']
  /** Share of a run's time that guard may take. Default: 0.03. */
  guardTime?: Given<typeof trainSpecs>['guardTime']
  /** End the run once guard warns of copies. Default: false. */
  stopOnCopies?: Given<typeof trainSpecs>['stopOnCopies']
  /** How often in a row a run goes back to its last checkpoint after a NaN in the loss or the weights. Default: 3. */
  maxRollbacks?: Given<typeof trainSpecs>['maxRollbacks']
  /** Images between two lines of metrics.jsonl; the first update has one too. Default: 200. */
  logImages?: Given<typeof trainSpecs>['logImages']
  /** Pictures on each preview grid; 0 for no previews. Default: diffusion 16; dcgan 16; pgan 16; stylegan2 16; classifier 0. */
  previews?: Given<typeof trainSpecs>['previews']
}

/** Options of `model.sample()` that every kind of model has. */
export interface CommonSampleGiven {
  /** Pictures to sample; with seeds, as many as there are seeds. Default: 1. */
  count?: Given<typeof sampleSpecs>['count']
  /** Seed of the first picture; the next ones take seed + 1, seed + 2, ... Default: 0. */
  seed?: Given<typeof sampleSpecs>['seed']
  /** One seed for each picture, instead of seed and count. Default: null. */
  seeds?: Given<typeof sampleSpecs>['seeds']
  /** Averaged ("ema") or latest ("raw") weights. "auto" takes the averaged ones once a run is twice as long as what they average over. Default: "auto". */
  weights?: Given<typeof sampleSpecs>['weights']
  /** What to sample, of a model with labels: a class, a word or an attribute; null for anything. Default: null. */
  label?: Given<typeof sampleSpecs>['label']
  /** Several attributes and their values, such as { hair: "red", glasses: true }; on the command line hair=red,glasses=yes. Default: null. */
  attributes?: Given<typeof sampleSpecs>['attributes']
  /** The same in words, of those that the model knows; others are refused, with what it knows. Default: null. */
  prompt?: Given<typeof sampleSpecs>['prompt']
  /** Pictures computed at once: more is faster and needs more memory. Another number may change the last bits of a picture. Default: 1. */
  batch?: Given<typeof sampleSpecs>['batch']
}

/** Options of `load()`. */
export interface LoadGiven {
  /** Where to compute. "auto" takes a GPU if there is one. Default: "auto". */
  device?: Given<typeof loadSpecs>['device']
  /** CPU threads; 0 uses all that the process, or its container, may use. Default: 0. */
  threads?: Given<typeof loadSpecs>['threads']
  /** Which checkpoint of a run: the newest, the one after so many images, or "best", the last one before guard first warned of copies. */
  at?: Given<typeof loadSpecs>['at']
  /** Sample with PyTorch's own operations, bit for bit, as a run that was trained with exact always does. Default: false. */
  exact?: Given<typeof loadSpecs>['exact']
}

/** Options of `exportWeights()`. */
export interface ExportOptions {
  /** Averaged ("ema") or latest ("raw") weights. "auto" takes the averaged ones once a run is twice as long as what they average over. Default: "auto". */
  weights?: Given<typeof exportSpecs>['weights']
  /** Which network of a GAN. Default: "generator". */
  network?: Given<typeof exportSpecs>['network']
}

/** Options of `train()` that only model "diffusion" has. */
export interface DiffusionTrainGiven {
  /** Diffusion: "0.26" is the U-Net of denoising-diffusion-pytorch 0.26.4, "2.3" its successor with RMSNorm and memory keys, "2.3-cfg" that of its classifier_free_guidance.py, which learns one label of several classes. Default: diffusion "2.3"; dcgan "pytorch"; pgan "zoo"; stylegan2 "ada"; classifier "cnn". */
  variant?: Given<(typeof models)['diffusion']['specs']>['variant']
  /** Width of the first stage, in channels: even, and a multiple of 8 for "0.26". Default: 64. */
  dim?: Given<(typeof models)['diffusion']['specs']>['dim']
  /** Width of each stage as a multiple of dim. (1,4,16) is the "extreme hourglass". Default: [1, 2, 4, 8]. */
  dimMults?: Given<(typeof models)['diffusion']['specs']>['dimMults']
  /** Feed the previous estimate of the picture back into the network. Default: false. */
  selfCondition?: Given<(typeof models)['diffusion']['specs']>['selfCondition']
  /** Learn to turn such a picture into one of the set: "lowres" a small one, "lines" a line drawing, "dark" a dark one, "grey" one without colour, "mask" one of which a part is missing. They are made of the training pictures. Null for pictures of noise alone. Default: null. */
  condition?: Given<(typeof models)['diffusion']['specs']>['condition']
  /** With condition "lowres", how many pixels of the picture are one of the small picture, each way. Default: 4. */
  conditionScale?: Given<(typeof models)['diffusion']['specs']>['conditionScale']
  /** What the network predicts. Default: "v" (0.26: "noise", 2.3-cfg: "noise"). */
  objective?: Given<(typeof models)['diffusion']['specs']>['objective']
  /** Noise schedule. Default: "sigmoid" (0.26: "cosine", 2.3-cfg: "cosine"). */
  schedule?: Given<(typeof models)['diffusion']['specs']>['schedule']
  /** Length T of the diffusion process. Default: 1000. */
  timesteps?: Given<(typeof models)['diffusion']['specs']>['timesteps']
  /** Distance between prediction and target. Default: "l2" (0.26: "l1"). */
  loss?: Given<(typeof models)['diffusion']['specs']>['loss']
  /** Weight of each time step in the loss. "none" is the usual weight of the objective. Default: "none". */
  lossWeight?: Given<(typeof models)['diffusion']['specs']>['lossWeight']
  /** Exponent of the p2 weight. Default: 1. */
  p2Gamma?: Given<(typeof models)['diffusion']['specs']>['p2Gamma']
  /** Offset k of the p2 weight. Default: 1. */
  p2K?: Given<(typeof models)['diffusion']['specs']>['p2K']
  /** Clamp of the min-SNR weight. Default: 5. */
  minSnrGamma?: Given<(typeof models)['diffusion']['specs']>['minSnrGamma']
  /** Denoising steps of a preview. Default: 20. */
  previewSteps?: Given<(typeof models)['diffusion']['specs']>['previewSteps']
  /** Share of values dropped in each block while training; 0.05 to 0.2 slows learning pictures by heart. Default: 0. */
  dropout?: Given<(typeof models)['diffusion']['specs']>['dropout']
  /** Probability with which each training picture is turned, scaled, stretched or moved. The network is told how, so that its samples are not; 0.12 is usual. Default: diffusion 0; stylegan2 "ada" (paper: "none", r3gan: "diffaugment"). */
  augment?: Given<(typeof models)['diffusion']['specs']>['augment']
  /** Above this noise level (sigma, for pixels from -1 to 1) each picture is learned with one fixed noise added, so that it cannot be learned by heart; 0 for never. Default: 0. */
  ambientSigma?: Given<(typeof models)['diffusion']['specs']>['ambientSigma']
  /** Share of pictures whose labels are hidden while training, so that samples can be guided by the difference; with 0 guidance is not possible. Default: diffusion 0.1 (2.3-cfg: 0.5); dcgan 0.1; stylegan2 0.1. */
  labelDropout?: Given<(typeof models)['diffusion']['specs']>['labelDropout']
  /** Strength of offset noise; 0.1 is usual where brightness varies. Default: 0. */
  offsetNoise?: Given<(typeof models)['diffusion']['specs']>['offsetNoise']
  /** Run whose samples this one learns to make in distilSteps; distil() sets both. Null to learn from pictures. Default: null. */
  teacher?: Given<(typeof models)['diffusion']['specs']>['teacher']
  /** Denoising steps that the model takes, always, once it has learned from its teacher; null for any number. Default: null. */
  distilSteps?: Given<(typeof models)['diffusion']['specs']>['distilSteps']
}

/** Options of `model.sample()` that only model "diffusion" has. */
export interface DiffusionSampleGiven {
  /** Sampler: "unipc" by default, "ddim" where eta is given. "ddpm" takes every time step. Default: "unipc". */
  sampler?: Given<(typeof models)['diffusion']['sampleSpecs']>['sampler']
  /** Denoising steps, each one pass of the network: 50 by default for "ddim", all for "ddpm". Default: 20. */
  steps?: Given<(typeof models)['diffusion']['sampleSpecs']>['steps']
  /** How strongly samples follow label, attributes or prompt: 1 is as learned, 2 is usual, more is plainer and nearer to copies. Above 1 each step takes two passes of the network. Default: 1. */
  guidance?: Given<(typeof models)['diffusion']['sampleSpecs']>['guidance']
  /** Leads the contrast of guided samples back to that of the network: 0 not at all, 0.7 is usual with much guidance. Default: 0. */
  guidanceRescale?: Given<(typeof models)['diffusion']['sampleSpecs']>['guidanceRescale']
  /** Leaves out what of guidance only makes the picture stronger, as "2.3-cfg" does: more guidance is then usual, such as 6. Default: false. */
  guidanceProjection?: Given<(typeof models)['diffusion']['sampleSpecs']>['guidanceProjection']
  /** From where to where guidance counts, as shares of the time from the picture (0) to noise (1): in the middle alone it is cheaper and keeps variety. Default: [0, 1]. */
  guidanceInterval?: Given<(typeof models)['diffusion']['sampleSpecs']>['guidanceInterval']
  /** Noise that DDIM adds at each step: 0 is deterministic, 1 is DDPM-like. Default: 0. */
  eta?: Given<(typeof models)['diffusion']['sampleSpecs']>['eta']
}

/** Options of `train()` that only model "dcgan" has. */
export interface DcganTrainGiven {
  /** DCGAN: "pytorch" is the example of PyTorch (64 px), "chainer" the Chainer DCGAN (96 px, ELU, two logits), "radford" the paper (64 px, 5x5). Default: diffusion "2.3"; dcgan "pytorch"; pgan "zoo"; stylegan2 "ada"; classifier "cnn". */
  variant?: Given<(typeof models)['dcgan']['specs']>['variant']
  /** Length of the latent vector z. Default: dcgan 100; pgan 512 (small: 128); stylegan2 512. */
  latent?: Given<(typeof models)['dcgan']['specs']>['latent']
  /** Channels of the generator's last and the discriminator's first hidden layer. Default: dcgan 64 (radford: 128); classifier 16. */
  width?: Given<(typeof models)['dcgan']['specs']>['width']
  /** Loss of the generator. Default: dcgan "non-saturating"; stylegan2 "non-saturating" (r3gan: "relativistic"). */
  ganLoss?: Given<(typeof models)['dcgan']['specs']>['ganLoss']
  /** Discriminator updates for each generator update. Default: 1. */
  discriminatorUpdates?: Given<(typeof models)['dcgan']['specs']>['discriminatorUpdates']
  /** Of a GAN real and generated pictures alike, so that a sample may be asked for without labels. Default: diffusion 0.1 (2.3-cfg: 0.5); dcgan 0.1; stylegan2 0.1. */
  labelDropout?: Given<(typeof models)['dcgan']['specs']>['labelDropout']
  /** Weight decay added to the gradients. Default: dcgan 0 (chainer: 0.00001, radford: 0.00001); classifier 0. */
  weightDecay?: Given<(typeof models)['dcgan']['specs']>['weightDecay']
}

/** Options of `model.sample()` that only model "dcgan" has. */
export interface DcganSampleGiven {
  /** Batch norm statistics: "running" gives one picture for one seed, "batch" makes pictures depend on their neighbours. Default: "running". */
  batchNorm?: Given<(typeof models)['dcgan']['sampleSpecs']>['batchNorm']
}

/** Options of `train()` that only model "pgan" has. */
export interface PganTrainGiven {
  /** PGAN: "zoo" is the published network and schedule of pytorch_GAN_zoo, "small" a narrow one for hundreds of pictures. Default: diffusion "2.3"; dcgan "pytorch"; pgan "zoo"; stylegan2 "ada"; classifier "cnn". */
  variant?: Given<(typeof models)['pgan']['specs']>['variant']
  /** Length of the latent vector z. Default: dcgan 100; pgan 512 (small: 128); stylegan2 512. */
  latent?: Given<(typeof models)['pgan']['specs']>['latent']
  /** Channels at 4 px, 8 px, 16 px and so on; those beyond size are not used. Default: [512, 512, 512, 512, 256, 128, 64, 32] (small: [128, 128, 64, 32, 16, 16, 16, 16]). */
  widths?: Given<(typeof models)['pgan']['specs']>['widths']
  /** Show the discriminator how much the pictures of a batch differ. Default: true. */
  minibatchStd?: Given<(typeof models)['pgan']['specs']>['minibatchStd']
  /** Images at each scale, from its first to the next; 4 px, the first one, has half as many. Default: 1536000 (small: 320000). */
  scaleImages?: Given<(typeof models)['pgan']['specs']>['scaleImages']
  /** Images over which a new scale is faded in. Default: 307200 (small: 160000). */
  fadeImages?: Given<(typeof models)['pgan']['specs']>['fadeImages']
  /** Steps in which a new scale is faded in. Default: 600. */
  fadeSteps?: Given<(typeof models)['pgan']['specs']>['fadeSteps']
  /** Weight of the penalty on the discriminator's slopes (WGAN-GP). Default: 10. */
  gradientPenalty?: Given<(typeof models)['pgan']['specs']>['gradientPenalty']
  /** Weight of the penalty on the square of the discriminator's answers. Default: 0.001. */
  driftPenalty?: Given<(typeof models)['pgan']['specs']>['driftPenalty']
}

/** Options of `model.sample()` that only model "pgan" has. */
export interface PganSampleGiven {
  /** Stretch each picture from its own darkest to its own brightest value, instead of showing -1 as black and 1 as white. Default: false. */
  stretch?: Given<(typeof models)['pgan']['sampleSpecs']>['stretch']
}

/** Options of `train()` that only model "stylegan2" has. */
export interface Stylegan2TrainGiven {
  /** StyleGAN2: "ada" is the automatic configuration of StyleGAN2-ADA, "paper" configuration F of StyleGAN2, "r3gan" the same networks with the relativistic loss of R3GAN and both of its penalties. Default: diffusion "2.3"; dcgan "pytorch"; pgan "zoo"; stylegan2 "ada"; classifier "cnn". */
  variant?: Given<(typeof models)['stylegan2']['specs']>['variant']
  /** Length of the latent vectors z and w. Default: dcgan 100; pgan 512 (small: 128); stylegan2 512. */
  latent?: Given<(typeof models)['stylegan2']['specs']>['latent']
  /** Channels of a map times its side: a map of side r has channelBase / r of them, at most channelMax. Default: 16384 (paper: 32768). */
  channelBase?: Given<(typeof models)['stylegan2']['specs']>['channelBase']
  /** Most channels of a map. 128 with channelBase 4096 trains on a CPU. Default: 512. */
  channelMax?: Given<(typeof models)['stylegan2']['specs']>['channelMax']
  /** Layers of the mapping network from z to w. Default: 2 (paper: 8). */
  mappingLayers?: Given<(typeof models)['stylegan2']['specs']>['mappingLayers']
  /** Pictures whose differences the discriminator is told of, to keep the generator from making one picture only. Default: 4. */
  minibatchGroup?: Given<(typeof models)['stylegan2']['specs']>['minibatchGroup']
  /** Loss of both networks. "relativistic" compares each generated picture with a real one. Default: dcgan "non-saturating"; stylegan2 "non-saturating" (r3gan: "relativistic"). */
  ganLoss?: Given<(typeof models)['stylegan2']['specs']>['ganLoss']
  /** Weight of the penalty on slopes of the discriminator at data (R1; with "relativistic" at generated pictures too); null for 0.0002 x size² / batch. Default: null (paper: 10, r3gan: 1). */
  r1Gamma?: Given<(typeof models)['stylegan2']['specs']>['r1Gamma']
  /** Updates from one such penalty to the next. It counts as many times. Default: 16 (r3gan: 1). */
  r1Every?: Given<(typeof models)['stylegan2']['specs']>['r1Every']
  /** Weight of the path length penalty, which makes a step of w move a picture equally far everywhere; 0 for none. Default: 2 (r3gan: 0). */
  pathLengthWeight?: Given<(typeof models)['stylegan2']['specs']>['pathLengthWeight']
  /** Updates from one such penalty to the next. It counts as many times. Default: 4. */
  pathLengthEvery?: Given<(typeof models)['stylegan2']['specs']>['pathLengthEvery']
  /** Share of batches whose finer styles come from a second latent. Default: 0.9 (r3gan: 0). */
  styleMixing?: Given<(typeof models)['stylegan2']['specs']>['styleMixing']
  /** Half-life of the averaged weights at most, as a share of the run so far; null for no such limit. Default: 0.05 (paper: null). */
  emaRamp?: Given<(typeof models)['stylegan2']['specs']>['emaRamp']
  /** Of a GAN real and generated pictures alike, so that a sample may be asked for without labels. Default: diffusion 0.1 (2.3-cfg: 0.5); dcgan 0.1; stylegan2 0.1. */
  labelDropout?: Given<(typeof models)['stylegan2']['specs']>['labelDropout']
  /** What real and generated pictures go through before the discriminator sees them. "diffaugment" changes colours, moves and cuts out, always; it is best for hundreds of pictures. "ada" does more, as often as the discriminator learns by heart. Default: diffusion 0; stylegan2 "ada" (paper: "none", r3gan: "diffaugment"). */
  augment?: Given<(typeof models)['stylegan2']['specs']>['augment']
  /** Operations of "ada". "drawings" leaves out rotations, mirroring and changes of hue, which a generator could learn to copy. Default: "drawings". */
  augmentSet?: Given<(typeof models)['stylegan2']['specs']>['augmentSet']
  /** Share by which more real pictures pass for real than not, where "ada" keeps it. Default: 0.6. */
  augmentTarget?: Given<(typeof models)['stylegan2']['specs']>['augmentTarget']
  /** Images in which "ada" can go from never to always. Default: 500000. */
  augmentImages?: Given<(typeof models)['stylegan2']['specs']>['augmentImages']
  /** Fixed probability of each operation of "ada"; null to adapt it. Default: null. */
  augmentP?: Given<(typeof models)['stylegan2']['specs']>['augmentP']
}

/** Options of `model.sample()` that only model "stylegan2" has. */
export interface Stylegan2SampleGiven {
  /** How far from the mean picture: 1 as trained, 0.7 less varied and cleaner, 0 the mean itself. Default: 1. */
  truncation?: Given<(typeof models)['stylegan2']['sampleSpecs']>['truncation']
  /** Noise of fine details: the same for all pictures, of each seed, or none. Default: "const". */
  noise?: Given<(typeof models)['stylegan2']['sampleSpecs']>['noise']
  /** Where a seed's latent comes from: PyTorch's generator, or NumPy's RandomState, as in published galleries. Default: "torch". */
  latents?: Given<(typeof models)['stylegan2']['sampleSpecs']>['latents']
  /** Seed whose styles replace those of maps from mixFrom on; null for none. Default: null. */
  mixSeed?: Given<(typeof models)['stylegan2']['sampleSpecs']>['mixSeed']
  /** Side of the first maps that take the styles of mixSeed: 4, 8, 16, ... Default: 16. */
  mixFrom?: Given<(typeof models)['stylegan2']['sampleSpecs']>['mixFrom']
}

/** Options of `train()` that only model "classifier" has. */
export interface ClassifierTrainGiven {
  /** Classifier: "cnn" has three convolutions and a hidden layer, "mlp" two hidden layers alone. Default: diffusion "2.3"; dcgan "pytorch"; pgan "zoo"; stylegan2 "ada"; classifier "cnn". */
  variant?: Given<(typeof models)['classifier']['specs']>['variant']
  /** Units of each hidden layer. Default: 100. */
  units?: Given<(typeof models)['classifier']['specs']>['units']
  /** Channels of the first convolution; the next two have twice and four times as many. Default: dcgan 64 (radford: 128); classifier 16. */
  width?: Given<(typeof models)['classifier']['specs']>['width']
  /** Adam, or stochastic gradient descent, which wants an lr of about 0.1. Default: "adam". */
  optimizer?: Given<(typeof models)['classifier']['specs']>['optimizer']
  /** Share of the last step that stochastic gradient descent takes again. Default: 0. */
  momentum?: Given<(typeof models)['classifier']['specs']>['momentum']
  /** Weight decay added to the gradients. Default: dcgan 0 (chainer: 0.00001, radford: 0.00001); classifier 0. */
  weightDecay?: Given<(typeof models)['classifier']['specs']>['weightDecay']
  /** Which attribute of the labels is learned, such as a column of a .csv file; null where there is one only. Default: null. */
  attribute?: Given<(typeof models)['classifier']['specs']>['attribute']
}

/** Options of `model.sample()` that only model "classifier" has. */
export type ClassifierSampleGiven = Record<never, never>

/** The options that only one kind of model has, by its name. */
export type TrainGiven = {
  diffusion: DiffusionTrainGiven
  dcgan: DcganTrainGiven
  pgan: PganTrainGiven
  stylegan2: Stylegan2TrainGiven
  classifier: ClassifierTrainGiven
}
export type SampleGiven = {
  diffusion: DiffusionSampleGiven
  dcgan: DcganSampleGiven
  pgan: PganSampleGiven
  stylegan2: Stylegan2SampleGiven
  classifier: ClassifierSampleGiven
}
