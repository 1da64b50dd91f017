// The declarations that the package brings along, as the compiler of somebody who has installed it sees them.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { plainNode } from '../helpers/plain-node.js'
import { projectRoot } from '../helpers/project-root.js'
import { install, pack, run } from './as-user.js'
import { programs } from './readme.js'

t.setTimeout(240_000)

const compiler = join(projectRoot, 'node_modules', 'typescript', 'bin', 'tsc')
const folder = await install(t, await pack(t), ['--ignore-scripts'])

// Lines that must not compile are marked: the compiler complains if they do, as they would if it did not find the types.
cpSync(join(projectRoot, 'spec', 'types'), join(folder, 'types'), { recursive: true })
mkdirSync(join(folder, 'readme'))
programs.forEach((source, n) => writeFileSync(join(folder, 'readme', `program-${n + 1}.ts`), source))

const strictest = {
  target: 'ES2023',
  lib: ['ES2023', 'ESNext.Disposable'],
  typeRoots: [join(projectRoot, 'node_modules', '@types')],
  types: ['node'],
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: false,
  noImplicitOverride: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  noEmit: true,
}

// All declarations, whether the public ones lead to them or not.
const include = ['readme', 'types', 'node_modules/perdure/dist/lib']
const settings = {
  NodeNext: { module: 'NodeNext' },
  Bundler: { module: 'ESNext', moduleResolution: 'Bundler', useDefineForClassFields: false },
}
for (const [name, options] of Object.entries(settings)) {
  t.test(`the programs of README.md and of the type tests compile under the strictest settings: ${name}`, async t => {
    const compilerOptions = { ...strictest, ...options }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include, exclude: [] }))
    t.match(await run(folder, ...plainNode(compiler, '--pretty', 'false')), { code: 0, stdout: '' })
  })
}

t.test('no declaration takes a parameter that the type of bytes has not got in TypeScript 5.6', async t => {
  const declarations = join(folder, 'node_modules', 'perdure', 'dist', 'lib')
  const names = readdirSync(declarations, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.d.ts'))
  const inferred = /\b(Buffer|DataView|\w+Array)<ArrayBuffer/
  t.ok(names.length > 0)
  t.same(
    names.filter(name => inferred.test(readFileSync(join(declarations, name), 'utf8'))),
    [],
  )
})
