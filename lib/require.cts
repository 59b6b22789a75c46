/** What require() gives: the ES module, or what to do where whoever requires takes none, such as Jest by default. */
try {
  module.exports = require('./index.js')
} catch (cause) {
  const { name, code } = cause as NodeJS.ErrnoException
  if (name !== 'SyntaxError' && code !== 'ERR_REQUIRE_ESM') throw cause
  throw new Error(
    'shinsaku is an ES module, which require() does not take here. Load it with import(); Jest takes ES modules with NODE_OPTIONS=--experimental-vm-modules, and Node from 20.19 and 22.12 on requires them.',
    { cause },
  )
}
