# Included by CMake after each project() of whisper.cpp; see config.toml beside it.
#
# 1. whisper.cpp's own files (mel spectrum, choice of tokens) are compiled for this machine's
#    processor, as ggml's are: the binary runs where it is built. `GGML_NATIVE=OFF cargo build`
#    makes one for any x86-64.
# 2. ggml uses the matrix unit (AMX) of a processor only for weights whose rows are a multiple of
#    2,048 long, for the sake of formats that we do not use. For q8_0 rows of 64 are enough
#    (its tile is one block of 32), and then all of Whisper's layers run on it: the same texts in
#    half the time. Where the line is not found as expected, nothing is changed.
if(CMAKE_CROSSCOMPILING OR (DEFINED GGML_NATIVE AND NOT GGML_NATIVE))
    return()
endif()

include(CheckCXXCompilerFlag)
check_cxx_compiler_flag(-march=native WARMLINE_MARCH_NATIVE)
if(WARMLINE_MARCH_NATIVE)
    add_compile_options(-march=native)
endif()

set(amx_file "${CMAKE_SOURCE_DIR}/ggml/src/ggml-cpu/amx/amx.cpp")
set(amx_rows_before "op->src[0]->ne[0] % (TILE_K * 2 * 32) == 0 &&")
set(amx_rows_after
    "op->src[0]->ne[0] % (op->src[0]->type == GGML_TYPE_Q8_0 ? TILE_K * 2 : TILE_K * 2 * 32) == 0 &&")
if(EXISTS "${amx_file}")
    file(READ "${amx_file}" amx_text)
    string(FIND "${amx_text}" "${amx_rows_before}" amx_place)
    if(NOT amx_place EQUAL -1)
        string(REPLACE "${amx_rows_before}" "${amx_rows_after}" amx_text "${amx_text}")
        file(WRITE "${amx_file}" "${amx_text}")
        message(STATUS "Warmline: AMX for q8_0 rows of 64")
    endif()
endif()
