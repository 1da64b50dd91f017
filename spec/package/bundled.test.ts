// The library in a bundle of somebody else's. Bundlers have their own ideas of what it asks about the place where it stands.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rollup } from 'rollup'
import t, { type Test } from 'tap'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'
import { run, runProgram } from './as-user.js'
import { plainNode } from '../helpers/plain-node.js'

type Format = 'cjs' | 'es'

const IMPORTED: Readonly<Record<Format, string>> = {
  cjs: `const { open } = require('./bundle.js')`,
  es: `import { open } from './bundle.js'`,
}

const COUNT = `
  const db = open(process.argv[1] + '.db', { root: { count: 0 } })
  console.log(db.transact(root => ++root.count))
  db.close()`

/** A folder with the bundle, in which this stands in the place of `import.meta.url`, and the add-on beside it. */
async function bundled(t: Test, format: Format, url: string): Promise<string> {
  const bundle = await rollup({
    input: fileURLToPath(new URL('../../perdure.js', import.meta.url)),
    external: id => /^[a-z]/.test(id),
    plugins: [
      {
        name: 'as others bundle',
        resolveImportMeta: () => url,
        transform: code =>
          code
            .replace(/^import \{ createRequire \} .*/m, 'const createRequire = undefined')
            .replaceAll('typeof __filename', '"string"'),
      },
    ],
    treeshake: false,
  })
  const folder = tempDir(t)
  mkdirSync(join(folder, 'inside'))
  writeFileSync(
    join(folder, 'inside', 'package.json'),
    JSON.stringify({ type: format === 'es' ? 'module' : 'commonjs' }),
  )
  await bundle.write({ file: join(folder, 'inside', 'bundle.js'), format })
  await bundle.close()
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'inside', 'node_modules'))
  return join(folder, 'inside')
}

/** The place that the library had where the bundle was made. */
const ELSEWHERE = JSON.stringify('file:///builds/app/node_modules/perdure/dist/perdure.js')

const BUNDLES: readonly (readonly [title: string, format: Format, url: string])[] = [
  ['that is no module', 'cjs', 'undefined'],
  ['that is no module and was made elsewhere', 'cjs', ELSEWHERE],
  ['that is a module and was made elsewhere', 'es', ELSEWHERE],
]

for (const [title, format, url] of BUNDLES) {
  t.test(`a bundle ${title} finds the add-on beside itself`, async t => {
    const folder = await bundled(t, format, url)
    t.match(await runProgram(folder, 'count.js', IMPORTED[format] + COUNT), { code: 0, stdout: '1\n' })
    t.match(await run('/', ...plainNode(join(folder, 'count.js'))), { code: 0, stdout: '2\n' }, 'from anywhere')
  })
}
