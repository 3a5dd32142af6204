// GridSample is new in 16.
#include "grid_sampler.h"
#include "rules.h"

using namespace onnxport;

Value grid_sample_to_15(Node& node) { return shared::GridSampler(node).run(); }
