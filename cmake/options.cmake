# Compiler, warnings, sanitizers, cache and linker: what every target of Muster is built with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
# Programs are compiled like libraries: one precompiled header serves both.
set(CMAKE_CXX_COMPILE_OPTIONS_PIE -fPIC)
find_package(Threads REQUIRED)

set(MUSTER_SANITIZE "" CACHE STRING "sanitizers to build with: address,undefined or thread")
set(MUSTER_FUZZ OFF CACHE BOOL "build the fuzz targets (clang)")
# A fault planted in the engine, to test its tests. Only these files know of faults.
set(MUSTER_FAULTS skip_queue_charge overcommit_device break_gang stale_counter)
set(MUSTER_FAULT_FILES sched/act/place.cpp sched/fit/fit.cpp sched/state/account.cpp)
set(MUSTER_FAULT "" CACHE STRING "one of ${MUSTER_FAULTS}")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

# Big translation units (Beast) take up to 2.7 GB each: only one at a time.
set_property(GLOBAL PROPERTY JOB_POOLS heavy=1)

add_library(muster_options INTERFACE)
target_compile_options(muster_options INTERFACE -Wall -Wextra -Wpedantic -Werror $<$<COMPILE_LANGUAGE:CXX>:-Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers>
                       $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Winvalid-pch -fpch-preprocess>
                       # g++ 12 sees overflows in std::string that are none, once it optimises.
                       $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>,$<NOT:$<CONFIG:Debug>>>:-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread>
                       $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:Clang>>:-Wthread-safety -Wno-gnu-statement-expression-from-macro-expansion -Wno-missing-designated-field-initializers
                       # libstdc++ 12's own std::stable_sort calls what it declares deprecated.
                       -Wno-deprecated-declarations>)
target_include_directories(muster_options INTERFACE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR})
target_link_libraries(muster_options INTERFACE Threads::Threads)
target_compile_definitions(muster_options INTERFACE MUSTER_VERSION="${PROJECT_VERSION}")

find_program(MOLD mold)
if(MOLD AND NOT MUSTER_SANITIZE)
  target_link_options(muster_options INTERFACE -fuse-ld=mold)
endif()
if(MUSTER_SANITIZE)
  target_compile_options(muster_options INTERFACE -fsanitize=${MUSTER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(muster_options INTERFACE -fsanitize=${MUSTER_SANITIZE})
endif()
if(MUSTER_FAULT AND NOT MUSTER_FAULT IN_LIST MUSTER_FAULTS)
  message(FATAL_ERROR "MUSTER_FAULT: no fault \"${MUSTER_FAULT}\"; there are: ${MUSTER_FAULTS}")
endif()
