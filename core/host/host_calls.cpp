#include "core/host/host_calls.h"

namespace onnxport {
namespace {

thread_local HostCalls* counting = nullptr;

}  // namespace

HostCalls::HostCalls(std::string_view plugin_id, size_t fail_at, Which which)
    : plugin_id_(plugin_id), fail_at_(fail_at), which_(which) {
  counting = this;
}

HostCalls::~HostCalls() { counting = nullptr; }

HostCalls* HostCalls::of(std::string_view plugin_id) {
  return counting != nullptr && counting->plugin_id_ == plugin_id ? counting : nullptr;
}

}  // namespace onnxport
