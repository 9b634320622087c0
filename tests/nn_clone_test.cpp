// Every module is cloned: the clone computes the same, shares nothing, and goes its own way. The
// headers are searched for modules that have no row here.
#include <gtest/gtest.h>

#include <reel/reel.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

using namespace reel;

namespace {

Tensor whole(std::vector<int64_t> values) {
  return from_vector(values, {static_cast<int64_t>(values.size())});
}
Tensor x4(int64_t channels = 2) { return rand({2, channels, 4, 4}); }
Tensor x3(int64_t channels = 2) { return rand({2, channels, 6}); }
Tensor x5(int64_t channels = 2) { return rand({1, channels, 4, 4, 4}); }

struct Row {
  nn::ModulePtr module;
  std::function<Tensor(const nn::ModulePtr&)> call;
};

/// One tensor in, one out.
template <class M>
Row row(const M& module, const Tensor& x) {
  return {module, [x](const nn::ModulePtr& any) { return nn::AnyModule(any).as<M>()(x); }};
}
/// Called as f says.
template <class M, class F>
Row row_by(const M& module, F f) {
  return {module, [f](const nn::ModulePtr& any) { return f(nn::AnyModule(any).as<M>()); }};
}
template <class M>
Row loss(const M& module) {
  return row_by(module, [x = rand({3, 4}), y = rand({3, 4})](const M& m) { return m(x, y); });
}
template <class M>
Row classes(const M& module) {
  return row_by(module, [x = rand({3, 4}), y = whole({1, 0, 3})](const M& m) { return m(x, y); });
}
template <class M>
Row loss_of_three(const M& module, const Tensor& last) {
  return row_by(module,
                [=, x = rand({3, 4}), y = rand({3, 4})](const M& m) { return m(x, y, last); });
}
template <class M>
Row recurrent(const M& module) {
  return row_by(module, [x = rand({4, 2, 3})](const M& m) { return m(x).output; });
}

// clang-format off
void add_layers(std::vector<Row>& rows) {
  using namespace nn;
  const auto add = [&](Row each) { rows.push_back(std::move(each)); };
  add(row(Linear(4, 3), x4()));
  add(row(LazyLinear(3), x4()));
  add(row(NonDynamicallyQuantizableLinear(4, 3), x4()));
  add(row(Identity(), x4()));
  add(row_by(Bilinear(2, 3, 2), [a = rand({4, 2}), b = rand({4, 3})](const Bilinear& m) { return m(a, b); }));
  add(row(Conv1d(2, 3, 3), x3()));
  add(row(Conv2d({.in_channels = 2, .out_channels = 2, .kernel_size = 3, .padding = 1, .padding_mode = PaddingMode::Reflect}), x4()));
  add(row(Conv3d(2, 3, 3), x5()));
  add(row(ConvTranspose1d(2, 3, 3), x3()));
  add(row(ConvTranspose2d(2, 3, 3), x4()));
  add(row(ConvTranspose3d(2, 3, 3), x5()));
  add(row(LazyConv1d(3, 3), x3()));
  add(row(LazyConv2d(3, 3), x4()));
  add(row(LazyConv3d(3, 3), x5()));
  add(row(LazyConvTranspose1d(3, 3), x3()));
  add(row(LazyConvTranspose2d(3, 3), x4()));
  add(row(LazyConvTranspose3d(3, 3), x5()));
  add(row(BatchNorm1d(2), x3()));
  add(row(BatchNorm2d(2), x4()));
  add(row(BatchNorm3d(2), x5()));
  add(row(LazyBatchNorm1d(), x3()));
  add(row(LazyBatchNorm2d(), x4()));
  add(row(LazyBatchNorm3d(), x5()));
  add(row(InstanceNorm1d({.num_features = 2, .affine = true, .track_running_stats = true}), x3()));
  add(row(InstanceNorm2d(2), x4()));
  add(row(InstanceNorm3d(2), x5()));
  add(row(LazyInstanceNorm1d({.affine = true, .track_running_stats = true}), x3()));
  add(row(LazyInstanceNorm2d({.affine = true}), x4()));
  add(row(LazyInstanceNorm3d({.track_running_stats = true}), x5()));
  add(row(LayerNorm({.normalized_shape = {4, 4}}), x4()));
  add(row(GroupNorm(2, 4), x4(4)));
  add(row(LocalResponseNorm(3), x4()));
  add(row(Dropout(0.5), x4()));
  add(row(Dropout1d(0.5), x3()));
  add(row(Dropout2d(0.5), x4()));
  add(row(Dropout3d(0.5), x5()));
  add(row(AlphaDropout(0.5), x4()));
  add(row(FeatureAlphaDropout(0.5), x4()));
  add(row(Embedding({.num_embeddings = 5, .embedding_dim = 2, .padding_idx = 1}), whole({0, 1, 4})));
  add(row(EmbeddingImpl::from_pretrained(rand({5, 2})), whole({0, 1, 4})));
  add(row_by(EmbeddingBag(5, 2), [](const EmbeddingBag& m) { return m(whole({0, 1, 4}), whole({0, 1})); }));
  add(row_by(EmbeddingBagImpl::from_pretrained(rand({5, 2}), false), [](const EmbeddingBag& m) { return m(whole({0, 1, 4}), whole({0, 1})); }));
  add(recurrent(RNN({.input_size = 3, .hidden_size = 2, .num_layers = 2, .nonlinearity = "relu", .bidirectional = true})));
  add(recurrent(GRU({.input_size = 3, .hidden_size = 2, .bias = false})));
  add(recurrent(LSTM({.input_size = 3, .hidden_size = 4, .num_layers = 2, .proj_size = 2})));
  add(row(RNNCell(4, 3), rand({2, 4})));
  add(row(GRUCell(4, 3), rand({2, 4})));
  add(row_by(LSTMCell(4, 3), [x = rand({2, 4})](const LSTMCell& m) { return m(x).c; }));
  const Tensor q = rand({3, 2, 4});
  add(row_by(MultiheadAttention({.embed_dim = 4, .num_heads = 2, .add_bias_kv = true}), [q](const MultiheadAttention& m) { return m(q, q, q).output; }));
  add(row_by(MultiheadAttention({.embed_dim = 4, .num_heads = 2, .kdim = 3}), [q, k = rand({3, 2, 3})](const MultiheadAttention& m) { return m(q, k, q).output; }));
  const TransformerLayerOptions small{.d_model = 4, .nhead = 2, .dim_feedforward = 5};
  add(row(TransformerEncoderLayer(small), q));
  add(row_by(TransformerDecoderLayer(small), [q](const TransformerDecoderLayer& m) { return m(q, q); }));
  add(row(TransformerEncoder(TransformerEncoderLayer(small), 2, LayerNorm(4)), q));
  add(row_by(TransformerDecoder(TransformerDecoderLayer(small), 2), [q](const TransformerDecoder& m) { return m(q, q); }));
  add(row_by(Transformer({.d_model = 4, .nhead = 2, .num_encoder_layers = 1, .num_decoder_layers = 2, .dim_feedforward = 5}), [q](const Transformer& m) { return m(q, q); }));
  add(row_by(Transformer({.d_model = 4, .nhead = 2, .num_decoder_layers = 1, .dim_feedforward = 5, .custom_encoder = TransformerEncoder(TransformerEncoderLayer(small), 1)}), [q](const Transformer& m) { return m(q, q); }));
}

void add_image_modules(std::vector<Row>& rows) {
  using namespace nn;
  const auto add = [&](Row each) { rows.push_back(std::move(each)); };
  add(row(MaxPool1d(2), x3()));
  add(row(MaxPool2d(2), x4()));
  add(row(MaxPool3d(2), x5()));
  add(row(AvgPool1d(2), x3()));
  add(row(AvgPool2d(2), x4()));
  add(row(AvgPool3d(2), x5()));
  add(row(LPPool1d(2, 3), x3()));
  add(row(LPPool2d(2, 3), x4()));
  add(row(LPPool3d(2, 3), x5()));
  add(row(AdaptiveAvgPool1d(2), x3()));
  add(row(AdaptiveAvgPool2d(2), x4()));
  add(row(AdaptiveAvgPool3d(2), x5()));
  add(row(AdaptiveMaxPool1d(2), x3()));
  add(row(AdaptiveMaxPool2d(2), x4()));
  add(row(AdaptiveMaxPool3d(2), x5()));
  add(row(FractionalMaxPool2d({.kernel_size = 2, .output_size = 2}), x4()));
  add(row(FractionalMaxPool3d({.kernel_size = 2, .output_ratio = 0.5}), x5()));
  add(row_by(MaxUnpool1d(2), [x = rand({1, 1, 2})](const MaxUnpool1d& m) { return m(x, whole({0, 3}).view({1, 1, 2})); }));
  add(row_by(MaxUnpool2d(2), [x = rand({1, 1, 1, 2})](const MaxUnpool2d& m) { return m(x, whole({0, 3}).view({1, 1, 1, 2})); }));
  add(row_by(MaxUnpool3d(2), [x = rand({1, 1, 1, 1, 2})](const MaxUnpool3d& m) { return m(x, whole({0, 3}).view({1, 1, 1, 1, 2})); }));
  add(row(ReflectionPad1d(1), x3()));
  add(row(ReflectionPad2d(1), x4()));
  add(row(ReflectionPad3d(1), x5()));
  add(row(ReplicationPad1d(1), x3()));
  add(row(ReplicationPad2d(1), x4()));
  add(row(ReplicationPad3d(1), x5()));
  add(row(CircularPad1d(1), x3()));
  add(row(CircularPad2d(1), x4()));
  add(row(CircularPad3d(1), x5()));
  add(row(ConstantPad1d(1, 2.0), x3()));
  add(row(ConstantPad2d(1, 2.0), x4()));
  add(row(ConstantPad3d(1, 2.0), x5()));
  add(row(ZeroPad2d(1), x4()));
  add(row(Upsample({.scale_factor = 2}), x4()));
  add(row(UpsamplingNearest2d({.scale_factor = 2}), x4()));
  add(row(UpsamplingBilinear2d({.scale_factor = 2}), x4()));
  add(row(PixelShuffle(2), x4(4)));
  add(row(PixelUnshuffle(2), x4()));
  add(row(ChannelShuffle(2), x4()));
  add(row(Unfold(2), x4()));
  add(row(Fold({.output_size = {3, 4}, .kernel_size = 2}), rand({1, 4, 6})));
  add(row(Flatten(), x4()));
  add(row(Unflatten(1, Shape{2, -1}), x4(4)));
  add(row_by(CosineSimilarity(), [a = rand({3, 2}), b = rand({3, 2})](const CosineSimilarity& m) { return m(a, b); }));
  add(row_by(PairwiseDistance(), [a = rand({3, 2}), b = rand({3, 2})](const PairwiseDistance& m) { return m(a, b); }));
}

void add_activations(std::vector<Row>& rows) {
  using namespace nn;
  const Tensor x = randn({3, 4});
  const auto add = [&](const auto&... modules) { (rows.push_back(row(modules, x)), ...); };
  add(ReLU(), ReLU6(), Sigmoid(), Tanh(), LogSigmoid(), SELU(), SiLU(), Mish(), Softsign(), Tanhshrink(), Hardsigmoid(), Hardswish(), Heaviside());
  add(LeakyReLU(0.3), Threshold(0.1, 2), ELU(0.5), CELU(0.5), Softplus(2), Hardtanh(-2, 0.5), Hardshrink(0.1), Softshrink(0.1), GLU(1), Softmax(1), LogSoftmax(0), Softmin(1), GELU("tanh"), RReLU(), PReLU(4));
  rows.push_back(row(Softmax2d(), x4()));
}

void add_losses(std::vector<Row>& rows) {
  using namespace nn;
  const auto add = [&](Row each) { rows.push_back(std::move(each)); };
  const Tensor weight = rand({4});
  add(loss(L1Loss()));
  add(loss(MSELoss({.reduction = Reduction::Sum})));
  add(loss(SmoothL1Loss({.beta = 0.3})));
  add(loss(HuberLoss({.delta = 0.3})));
  add(loss(PoissonNLLLoss()));
  add(loss(KLDivLoss()));
  add(loss(BCELoss({.weight = weight})));
  add(loss(BCEWithLogitsLoss({.weight = weight, .pos_weight = rand({4})})));
  add(loss(HingeEmbeddingLoss()));
  add(loss(SoftMarginLoss()));
  add(loss(MultiLabelSoftMarginLoss({.weight = weight})));
  add(classes(NLLLoss({.weight = weight})));
  add(classes(NLLLoss2d()));
  add(classes(CrossEntropyLoss({.weight = weight, .label_smoothing = 0.1})));
  add(classes(MultiMarginLoss({.weight = weight})));
  add(row_by(MultiLabelMarginLoss(), [x = rand({1, 4}), y = whole({1, 2, -1, 0}).view({1, 4})](const MultiLabelMarginLoss& m) { return m(x, y); }));
  add(loss_of_three(GaussianNLLLoss(), rand({3, 4}) + 0.1));
  add(loss_of_three(MarginRankingLoss(), ones({3, 4})));
  add(loss_of_three(CosineEmbeddingLoss(), ones({3})));
  add(loss_of_three(TripletMarginLoss(), rand({3, 4})));
  add(loss_of_three(TripletMarginWithDistanceLoss(), rand({3, 4})));
  add(row_by(CTCLoss(), [x = log_softmax(rand({5, 1, 3}), 2)](const CTCLoss& m) { return m(x, whole({1, 2}).view({1, 2}), whole({5}), whole({2})); }));
}

void add_changed_ones(std::vector<Row>& rows) {
  using namespace nn;
  const auto add = [&](Row each) { rows.push_back(std::move(each)); };
  const auto doubled = [](const Linear& fc) {
    utils::parametrize::register_parametrization(*fc, "weight", Softmax(0));
    utils::parametrize::register_parametrization(*fc, "weight", Tanh());
    return fc;
  };
  add(row(utils::weight_norm(Conv2d(2, 3, 3), "weight", {.dim = 1}), x4()));
  add(row(utils::spectral_norm(Linear(4, 3)), x4()));
  add(row(doubled(Linear(4, 3)), x4()));
  const Linear removed = utils::weight_norm(Linear(4, 3));
  utils::remove_weight_norm(*removed);
  add(row(removed, x4()));
  const Linear both = utils::weight_norm(doubled(Linear(4, 3)), "bias", {.dim = std::nullopt});
  utils::parametrize::remove_parametrizations(*both, "weight");
  add(row(both, x4()));
  add(row(Sequential(utils::spectral_norm(ConvTranspose2d(2, 3, 3)), BatchNorm2d(3), Lambda([](const Tensor& x) { return x * 2; })), x4()));
  add(row(Sequential({{"a", Linear(4, 4)}, {"b", utils::weight_norm(GRUCell(4, 3), "weight_hh")}}), rand({2, 4})));
}
// clang-format on

std::vector<Row> all_rows() {
  manual_seed(3);
  std::vector<Row> rows;
  add_layers(rows);
  add_image_modules(rows);
  add_activations(rows);
  add_losses(rows);
  add_changed_ones(rows);
  return rows;
}

Tensor called(const Row& row, const nn::ModulePtr& module) {
  manual_seed(7);  // what dropout and the like draw
  return row.call(module).detach();
}

std::set<const void*> storages(const nn::Module& module) {
  std::set<const void*> all;
  for (const auto& list : {module.parameters(), module.buffers()})
    for (const Tensor& each : list) all.insert(each.array().data<std::byte>());
  return all;
}

}  // namespace

TEST(Clone, of_every_module_computes_the_same_and_shares_nothing) {
  for (const Row& row : all_rows()) {
    SCOPED_TRACE(row.module->to_string());
    // Lazy ones have no numbers before; running statistics have moved.
    row.call(row.module);
    const nn::ModulePtr copy = row.module->clone();
    EXPECT_EQ(copy->to_string(), row.module->to_string());
    EXPECT_EQ(copy->state_dict().keys(), row.module->state_dict().keys());
    EXPECT_EQ(copy->is_training(), row.module->is_training());
    for (const void* storage : storages(*row.module))
      EXPECT_FALSE(storages(*copy).contains(storage));
    EXPECT_TRUE(equal(called(row, copy), called(row, row.module)));

    // A step of the copy is no step of the original.
    const nn::StateDict before = row.module->state_dict().clone();
    const Tensor y = called(row, row.module->eval().clone());
    NoGradGuard no_grad;
    for (Tensor& parameter : copy->parameters()) parameter.add_(0.25);
    copy->eval();
    const Tensor moved = called(row, copy);
    for (const auto& [name, value] : row.module->state_dict())
      EXPECT_TRUE(equal(value, before.at(name))) << name;
    EXPECT_TRUE(equal(called(row, row.module), y));
    if (!copy->parameters().empty()) {
      EXPECT_FALSE(equal(moved, y)) << "the copy does not compute with its own parameters";
    }
  }
}

TEST(Clone, has_a_row_for_every_module) {
  std::set<std::string> known{"Sequential", "Lambda",        "ModuleList",
                              "ModuleDict", "ParameterList", "ParameterDict"};
  for (const Row& row : all_rows()) known.insert(row.module->name());
  const std::regex alias("\n *using ([A-Z]\\w*) = Handle<");
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(REEL_SOURCE_DIR "/nn")) {
    if (file.path().extension() != ".h") continue;
    std::ifstream stream(file.path());
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    for (std::sregex_iterator at(text.begin(), text.end(), alias), end; at != end; ++at, ++count)
      EXPECT_TRUE(known.contains((*at)[1])) << (*at)[1] << " is not cloned here";
  }
  EXPECT_GT(count, 100);
}

TEST(Clone, of_a_parametrised_module_shows_and_trains_its_own) {
  manual_seed(0);
  nn::Linear fc = nn::utils::weight_norm(nn::Linear(4, 3));
  fc->to(kFloat64);
  const Tensor x = rand({2, 4}, {.dtype = kFloat64});
  fc(x);
  const nn::Linear copy = fc.clone();
  EXPECT_TRUE(equal(copy->weight.detach(), fc->weight.detach()));
  copy(x).sum().backward();
  EXPECT_TRUE(copy->get_parameter("weight_g").grad().defined());
  EXPECT_FALSE(fc->get_parameter("weight_g").grad().defined());
  nn::utils::remove_weight_norm(*copy);
  EXPECT_TRUE(copy->weight.is_leaf());
  EXPECT_EQ(fc->parameters().size(), 3u);
  // Of a clone of a clone too.
  EXPECT_TRUE(equal(copy.clone()(x).detach(), fc(x).detach()));
}
