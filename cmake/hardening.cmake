# hardening - flags for programs that face a network.

if(ERRAND_HARDEN)
    include(CheckPIESupported)
    check_pie_supported()
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong
                        -fstack-clash-protection)
    add_link_options(LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()
