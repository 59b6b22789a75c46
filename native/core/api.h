// The compute core as the binding sees it: plain C++ only, no napi, no torch.
// Every function here is called on the device thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace shinsaku {

// Resolved options. TypeScript fills every default, so a missing key is an error.
using Value = std::variant<bool, double, std::string, std::vector<double>>;
using Spec = std::map<std::string, Value>;

// Readers of a Spec; each throws a Failure that names the key when it is missing or of another kind.
double Number(const Spec& spec, const std::string& key);
int64_t Integer(const Spec& spec, const std::string& key);
bool Flag(const Spec& spec, const std::string& key);
const std::string& Text(const Spec& spec, const std::string& key);
const std::vector<double>& Numbers(const Spec& spec, const std::string& key);
// Whether a key that may be null on the TypeScript side has a value.
bool Has(const Spec& spec, const std::string& key);

// Facts of a failure that a program may read, by their names in JavaScript.
using Details = std::map<std::string, std::variant<double, std::string>>;

// A failure with one of the codes of lib/errors.ts.
struct Failure : std::runtime_error {
  Failure(std::string failure_code, const std::string& message, Details failure_details = {})
      : std::runtime_error(message), code(std::move(failure_code)), details(std::move(failure_details)) {}
  std::string code;
  Details details;
};

// What any exception of the core means to a caller. Never throws.
Failure Translate(std::exception_ptr error) noexcept;

struct TensorInfo {
  std::string name;
  std::string dtype;  // safetensors' names: F32, I64, U8, ...
  std::vector<int64_t> shape;
};

// One named tensor in host memory that the caller keeps alive; little-endian, row-major.
struct HostTensor : TensorInfo {
  const uint8_t* data = nullptr;
  size_t bytes = 0;
};

// Bytes and floats in host memory that the caller keeps alive.
using Bytes = std::span<const uint8_t>;
using Floats = std::span<const float>;

// Named series with one value for each update of a unit.
using Metrics = std::vector<std::pair<std::string, std::vector<double>>>;

struct Layer {
  std::string name;            // state name prefix, such as "downs.0.0.block1"
  std::string operation;       // the op of the ops set
  std::vector<int64_t> shape;  // of its result, for one picture
  int64_t parameters = 0;
};

// One operation of a network as data. Every value is F32 and has one row a picture.
struct GraphNode {
  std::string layer;                // as in Layer
  std::string operation;            // of GraphOps
  std::vector<std::string> inputs;  // values and parameters by name; empty for one that is left out
  Spec attributes;
  std::string output;
  std::vector<int64_t> shape;  // of the output, for one picture
};

// A network as data, for formats that other programs run.
struct Graph {
  std::vector<TensorInfo> inputs;  // for one picture
  std::vector<GraphNode> nodes;    // in the order in which they are computed
  std::string output;
};

// x of the next step = sum of `model`[k] * (k-th newest prediction) + x * `x` + noise * `noise`.
struct StepCombination {
  double x = 0;
  std::vector<double> model;
  double noise = 0;
};

// What a sampler does around one evaluation of the network at `time`.
struct PlannedStep {
  int64_t time;
  double x_to_x0, output_to_x0;  // x0 = their products with x and the output, clamped to [-1,1]
  double x_to_prediction, x0_to_prediction;
  std::optional<StepCombination> correct;  // replaces x, from the x of the step before
  StepCombination predict;                 // the next x
};

// A sampler as plain numbers. `start`: x of the first step, from x and its x0; in place of `model` [x0].
struct SamplingPlan {
  StepCombination start;
  std::vector<PlannedStep> steps;
};

struct Description {
  std::vector<Layer> layers;
  int64_t parameters = 0;       // trainable scalars, all networks together
  double activation_bytes = 0;  // kept for backward, for one picture, fp32; an estimate
};

// Switches of the process that decide about the bits of results on a GPU, as they are now.
struct Numerics {
  std::string matmul;              // float32 products: "ieee" or "tf32"; "none" before the first run
  std::string convolution;         // the same for convolutions
  bool allow_tf32_cublas = false;  // the older names of the same switches
  bool allow_tf32_cudnn = false;
  bool deterministic_algorithms = false;
  bool deterministic_cudnn = false;
  bool benchmark_cudnn = false;
};

struct DeviceInfo {
  std::string built_for;             // libtorch version the addon was compiled against
  std::string cpu_capability;        // AVX2, AVX512, ...
  int threads = 0;                   // those of the latest unit; of the machine before the first
  std::vector<std::string> cpu_ops;  // ops sets with kernels for this processor, fastest first; for sampling
  int cuda_devices = 0;              // that libtorch can use; 0 when libtorch_cuda is not loaded
  bool cuda_kernels = false;         // whether the CUDA plugin is open: ops set "cuda" and graphs
  Numerics numerics;
};

// What JavaScript holds a handle of.
class Object {
 public:
  virtual ~Object() = default;
  // Bytes of the process's own memory (not a GPU's) that stay allocated between two units.
  virtual int64_t HostBytes() const { return 0; }
};

// A set of uint8 pictures, NHWC, with or without labels.
class Images : public Object {};

// Pictures being drawn: those of one call.
class Sampler : public Object {
 public:
  virtual bool Step() = 0;                    // one bounded unit; true when they are finished
  virtual double Progress() const = 0;        // 0..1
  virtual std::vector<uint8_t> Pixels() = 0;  // uint8 NHWC as they are
  // float32 NCHW as they are, before they become pixels; to measure with.
  virtual std::vector<uint8_t> Values() = 0;
};

// A network with fixed weights.
class InferenceModel : public Object {
 public:
  // `inputs` are what the pictures start from or are conditioned on, such as "latents"; they are copied.
  virtual std::unique_ptr<Sampler> Sample(const Spec& args, const std::vector<HostTensor>& inputs) = 0;
  // One step of each of these samplers of this model, wherever each of them is; the result is the progress of
  // each. Where the model can, they are computed together as a batch of `rows`; what a picture becomes then
  // depends on `rows`, and on nothing that is computed beside it.
  virtual std::vector<double> StepTogether(const std::vector<std::shared_ptr<Sampler>>& samplers,
                                           int64_t rows);
};

// Indices of the pictures of the next updates, one after the other, and how many each update takes.
struct UpdatePlan {
  std::vector<int32_t> indices;
  std::vector<int32_t> sizes;
};

// Values of one moment of a trainer, to compare with those of another that trains the same network.
class Snapshot : public Object {
 public:
  // Greatest difference of one tensor to that of `reference`, relative to its norm, or to a little of what
  // all tensors have on average. Infinite where one holds NaN.
  virtual double Distance(const Snapshot& reference) const = 0;
  // Difference of the moves from `start` to this and to `reference`, relative to the second.
  virtual double DistanceOfMoves(const Snapshot& start, const Snapshot& reference) const = 0;
};

enum class SnapshotOf { kWeights, kMoments };

// Whether a checkpoint was made with the pictures that a trainer has.
enum class LoadedPictures { kSame, kOther };

// Processes that train one network together, as one of them sees the others. Each call but those of Trainer
// is about the store that all of them share. Throws PROCESS_LOST, whose details name the "rank" that is gone;
// after that nothing works any more.
class ProcessGroup : public Object {
 public:
  virtual void Set(const std::string& key, Bytes value) = 0;
  // What is there under `key`; waits for it for `seconds` at most.
  virtual std::optional<std::vector<uint8_t>> Get(const std::string& key, double seconds) = 0;
  virtual void Remove(const std::string& key) = 0;
  // Tells the others why this process leaves.
  virtual void Fail(const std::string& message) = 0;
};

// Networks, optimizers, averages and data order of one run.
class Trainer : public Object {
 public:
  virtual UpdatePlan Plan(int64_t updates) = 0;  // a look ahead; changes nothing
  // One bounded unit. `pixels`: the rows of the planned pictures, where the set is not resident, and only
  // there.
  virtual Metrics Step(int64_t updates, std::optional<Bytes> pixels) = 0;
  virtual std::vector<TensorInfo> Tensors() = 0;  // everything a resumed run needs
  // Bytes of one of them. Throws WEIGHTS_NOT_FINITE where it holds NaN or an infinity.
  virtual std::vector<uint8_t> Tensor(const std::string& name) = 0;
  // All or some of them, by name. Of other pictures the order is left out, and the epoch ends where it is.
  virtual void Load(const std::vector<HostTensor>& tensors, LoadedPictures pictures) = 0;
  virtual void Reseed(uint64_t seed) = 0;  // random streams begin anew
  // The network has seen `images` elsewhere: they count as whole epochs, and the next batch begins one.
  virtual void StartAt(int64_t images) = 0;
  // The learning rate's course ends at `images` from now on, in place of the spec's "maxImages".
  virtual void EndAt(int64_t images) = 0;
  // Copies everything of rank 0's trainer, as Tensors() lists it, to those of the others of its group. All
  // call it, as they all call Step(): each then computes its share of every batch.
  virtual void Synchronize() = 0;
  virtual std::unique_ptr<Snapshot> MakeSnapshot(SnapshotOf what) = 0;  // copies, in host memory
  // What the networks make of given pictures, uint8 of shape N,H,W,C, in evaluation: one bounded unit. Rows
  // of N values, one row after the other; which rows there are is the kind's, see TrainingStep::Loss().
  // Draws nothing from the run's streams and moves nothing.
  virtual std::vector<double> Loss(Bytes pixels, const std::vector<int64_t>& shape, const Spec& args) = 0;
  virtual std::unique_ptr<InferenceModel> MakeInferenceModel(
      const std::string& weights) = 0;  // "ema" or "raw", copied
};

// The nearest pictures of each of some pictures: rows of k, nearest first.
struct Neighbours {
  std::vector<int32_t> indices;
  std::vector<double> distances;
};

// Pictures in which the nearest ones of others are looked for.
class PixelIndex : public Object {
 public:
  // `shape` is N,H,W,C. The time of one unit grows with the pictures given.
  virtual Neighbours Nearest(Bytes pixels, const std::vector<int64_t>& shape, const Spec& args) = 0;
};

// A network that makes a row of features of a picture.
class Embedder : public Object {
 public:
  // One bounded unit, for as many pictures as are given; `shape` is N,H,W,C. Rows of one width.
  virtual std::vector<float> Embed(Bytes pixels, const std::vector<int64_t>& shape) = 0;
};

// Mean and covariance of rows of features; of a file of statistics they are what the caller keeps alive.
struct Statistics {
  int64_t count = 0;  // rows
  std::vector<double> mean, covariance;
};
using Doubles = std::span<const double>;
struct StatisticsView {
  Doubles mean, covariance;
};

// Rows of features of a set of pictures.
class Features : public Object {
 public:
  virtual void Append(Floats rows) = 0;
  virtual Statistics Compute() = 0;
};

// Patches of pictures at every level of their Laplacian pyramids.
class Patches : public Object {
 public:
  virtual void Append(Bytes pixels, const std::vector<int64_t>& shape) = 0;
};

// Named results: a number, or one number for each picture or resample.
using Results = std::vector<std::pair<std::string, std::variant<double, std::vector<double>>>>;

// A measure of two sets while it is computed, unit by unit. Rows that are appended later do not count.
class Measure : public Object {
 public:
  virtual bool Step() = 0;              // one bounded unit; true when it is finished
  virtual double Progress() const = 0;  // 0..1
  virtual Results Result() = 0;         // once it is finished
};

DeviceInfo Info();

// `shape` is N,H,W,C. Without `pixels` the set is not resident: each unit is given those of its updates.
// `labels` are rows of one width, one row a picture. Both are copied to the device before this returns.
std::shared_ptr<Images> MakeImages(std::optional<Bytes> pixels, const std::vector<int64_t>& shape,
                                   const std::string& device, std::optional<Floats> labels);
// Meets the other processes. "rank" of "size"; the store at "host" and "port", which this process holds where
// it has an address to "listen" on, and the launcher where "agentStore" says so; keys of one attempt behind a
// "prefix" of their own; "address" is this machine's for the sums. "timeout" and "joinTimeout" in seconds.
std::shared_ptr<ProcessGroup> MakeProcessGroup(const Spec& spec);
// `group` is null where one process trains alone. Throws DISTRIBUTED_UNSUPPORTED.
std::unique_ptr<Trainer> MakeTrainer(const Spec& spec, std::shared_ptr<Images> images,
                                     std::shared_ptr<ProcessGroup> group);
std::unique_ptr<InferenceModel> MakeInferenceModel(const Spec& spec, const std::vector<HostTensor>& tensors);
// What measures pictures computes on `threads` CPU threads.
// `shape` is N,H,W,C; the pixels are copied.
std::unique_ptr<PixelIndex> MakePixelIndex(Bytes pixels, const std::vector<int64_t>& shape, int64_t threads);
std::unique_ptr<Embedder> MakeEmbedder(const Spec& spec, const std::vector<HostTensor>& tensors,
                                       int64_t threads);
// Rows of `width`. Statistics count all of them; the first `keep` are there for measures of pairs.
std::unique_ptr<Features> MakeFeatures(int64_t width, int64_t keep, int64_t threads);
std::unique_ptr<Patches> MakePatches(const Spec& args, int64_t threads);
using FeaturesOrStatistics = std::variant<std::shared_ptr<Features>, StatisticsView>;
std::unique_ptr<Measure> MeasureFrechetDistance(const FeaturesOrStatistics& a, const FeaturesOrStatistics& b,
                                                int64_t threads);
std::unique_ptr<Measure> MeasureKernelDistance(std::shared_ptr<Features> a, std::shared_ptr<Features> b,
                                               const Spec& args, int64_t threads);
std::unique_ptr<Measure> MeasurePrecisionRecall(std::shared_ptr<Features> real,
                                                std::shared_ptr<Features> fake, const Spec& args,
                                                int64_t threads);
std::unique_ptr<Measure> MeasureMind(std::shared_ptr<Features> a, std::shared_ptr<Features> b,
                                     const Spec& args, int64_t threads);
std::unique_ptr<Measure> MeasureSlicedWasserstein(std::shared_ptr<Patches> a, std::shared_ptr<Patches> b,
                                                  const Spec& args, int64_t threads);
// Layers and sizes of what `spec` names, without allocating its weights.
Description Describe(const Spec& spec);
// The network that samples, recorded from its walk without allocating its weights. Throws NATIVE_FAILED where
// the walk computes beside the ops set.
Graph Trace(const Spec& spec);
// What a sampler with `args` does with that network's output; no steps where one pass gives the picture.
SamplingPlan PlanSampling(const Spec& spec, const Spec& args);

// The running unit ends early with a SHUT_DOWN failure once `flag` is true. To be set before each unit.
void WatchCancel(const std::atomic<bool>* flag) noexcept;

// Work that goes before the rest of a training unit, such as a step of a sampler.
class Interruptions {
 public:
  virtual ~Interruptions() = default;
  virtual bool Waiting() = 0;
  virtual void Run() = 0;  // as much of it as its share allows; throws nothing
};

// A training unit runs these between two updates, and between two batches of an update where nothing is half
// done. To be set before each unit.
void WatchInterruptions(Interruptions* interruptions) noexcept;

}  // namespace shinsaku
