# What of llama.cpp is compiled: libllama and ggml, which the server loads. Read right after llama-cpp-python's project().
# Plain variables, since its CMakeLists.txt forces LLAMA_BUILD_COMMON into the cache; a variable goes before the cache.

set(LLAMA_BUILD_COMMON OFF) # what llama.cpp's own programs share: arguments, chat templates, downloads
if(NOT DEFINED CACHE{LLAVA_BUILD}) # pictures and sound, for whoever asks with CMAKE_ARGS=-DLLAVA_BUILD=on
  set(LLAVA_BUILD OFF)
endif()
