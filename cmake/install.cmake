# Headers, both libraries, the command, pkg-config, man page and completions.
install(TARGETS polygraphy polygraphy_static polygraphy_shared
        RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/polygraphy DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
# From where it lies, so that the folder can be moved.
file(RELATIVE_PATH PX_PREFIX_FROM_PC "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
configure_file(cmake/polygraphy.pc.in polygraphy.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/polygraphy.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES docs/polygraphy-run.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/completions/polygraphy.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME polygraphy)
install(FILES docs/completions/_polygraphy
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES docs/completions/polygraphy.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
