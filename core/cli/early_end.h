// A plugin that ends the process, or takes it elsewhere, is not to be taken for success.
#pragma once

namespace onnxport::cli {

// From now on exit, quick_exit and _exit, called by whatever thread, end the process with the status of an error and a line
// that names the plugin that runs; and chdir is refused.
void watch_for_an_early_end();
// To be called before the program itself ends.
void this_is_the_end();

}  // namespace onnxport::cli
