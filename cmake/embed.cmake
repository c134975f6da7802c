# embed - files as C arrays, so that they are part of a program.

# errand_embed(TARGET NAME file) adds `const unsigned char NAME[]` and `const size_t NAME_size`.
function(errand_embed target name file)
    set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.c")
    add_custom_command(
        OUTPUT "${source}"
        COMMAND "${CMAKE_COMMAND}" "-DNAME=${name}" "-DINPUT=${CMAKE_CURRENT_SOURCE_DIR}/${file}"
                "-DOUTPUT=${source}" -P "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
        DEPENDS "${file}" "${PROJECT_SOURCE_DIR}/cmake/embed_file.cmake"
        COMMENT "Embedding ${file}" VERBATIM)
    target_sources(${target} PRIVATE "${source}")
endfunction()
