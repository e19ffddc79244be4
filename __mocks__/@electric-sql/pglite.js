// PGlite loads its parts by import(), which jest's sandbox cannot do: tests get the real module, loaded outside of it.
const { runInThisContext } = require('node:vm');
const { createRequire } = runInThisContext("process.getBuiltinModule('node:module')");

module.exports = createRequire(__filename)('@electric-sql/pglite');
