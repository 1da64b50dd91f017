// The library in a bundle of somebody else's, which is no module: as those are in which there is no `import.meta.url`.
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from 'rollup'
import t from 'tap'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'
import { run, runProgram } from './as-user.js'
import { plainNode } from '../helpers/plain-node.js'

const COUNT = `
  const { open } = require('./bundle.cjs')
  const db = open(__dirname + '/counter.db', { root: { count: 0 } })
  console.log(db.transact(root => ++root.count))
  db.close()`

t.test('a bundle that is no module finds the add-on beside itself, and needs it only to write', async t => {
  const folder = tempDir(t)
  const bundle = await rollup({
    input: fileURLToPath(new URL('../../perdure.js', import.meta.url)),
    external: id => /^[a-z]/.test(id),
    plugins: [{ name: 'no import.meta', resolveImportMeta: () => 'undefined' }],
    treeshake: false,
  })
  const inside = join(folder, 'inside')
  mkdirSync(inside)
  await bundle.write({ file: join(inside, 'bundle.cjs'), format: 'cjs' })
  await bundle.close()
  symlinkSync(join(projectRoot, 'node_modules'), join(inside, 'node_modules'))
  t.match(await runProgram(inside, 'count.cjs', COUNT), { code: 0, stdout: '1\n' })
  t.match(await run('/', ...plainNode(join(inside, 'count.cjs'))), { code: 0, stdout: '2\n' }, 'from anywhere')
})
