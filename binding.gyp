# node-gyp compiles nothing here: it forwards to the CMake build. CMakeLists.txt holds all sources and flags.
{
  'targets': [{
    'target_name': 'forward',
    'type': 'none',
    'actions': [{
      'action_name': 'cmake',
      'inputs': [],
      'outputs': ['<(PRODUCT_DIR)/shinsaku.node'],
      'action': ['node', 'scripts/build.mjs'],
    }],
  }],
}
