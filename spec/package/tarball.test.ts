// The packed package in the hands of somebody who has installed it, with and without the add-on that writing needs.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import ts from 'typescript'
import * as separate from '../../lib/index.js'
import { projectRoot } from '../helpers/project-root.js'
import { install, pack, run, runProgram, succeed } from './as-user.js'
import { commands, links, programs } from './readme.js'

t.setTimeout(240_000) // half a minute of work; but npm may have to wait for a network

const COUNT = `
  import { open } from 'perdure'
  try {
    const db = open('counter.db', { root: { count: 0 } })
    console.log(db.transact(root => ++root.count))
    db.close()
  } catch ({ name, code, message }) {
    console.log(JSON.stringify({ name, code, message }))
    process.exitCode = 1
  }`
const READ = `
  import { open } from 'perdure'
  const db = open('there.db', { readonly: true })
  console.log(JSON.stringify(db.root.numbers))
  db.close()`

/** What `npx perdure` comes down to, without the second that npx takes. */
const TOOL = join('node_modules', '.bin', 'perdure')

const tarball = await pack(t)
// Many an npm runs no install script that nobody has approved: fs-ext is then there, but not compiled.
const folder = await install(t, tarball, ['--ignore-scripts'])
const installed = join(folder, 'node_modules', 'perdure')
const files = readdirSync(installed, { recursive: true, withFileTypes: true })
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name).slice(installed.length + 1))

t.test('the package holds library, tool, examples and documents, and nothing else', async t => {
  const expected =
    /^(dist\/(perdure|command)\.js(\.map)?|dist\/lib\/.*\.d\.ts|examples\/.*\.ts|spec\/\w+\.md|\w+\.md|LICENSE|package\.json)$/
  t.same(
    files.filter(file => !expected.test(file)),
    [],
  )
  for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md', 'spec/format.md']) t.ok(files.includes(file), file)
  t.same(
    links.filter(link => !files.includes(link)),
    [],
    'whatever README.md leads to is there',
  )
})

t.test('every declaration is of a source that is still there', async t => {
  const declarations = files.filter(file => file.endsWith('.d.ts'))
  const stale = declarations.filter(
    file => !existsSync(join(projectRoot, file.replace(/^dist\/(.*)\.d\.ts$/, '$1.ts'))),
  )
  t.ok(declarations.length > 20)
  t.same(stale, [])
})

t.test('source maps lead to the sources, and carry them', async t => {
  const maps = files.filter(file => file.endsWith('.map'))
  t.same(maps.sort(), ['dist/command.js.map', 'dist/perdure.js.map'])
  for (const file of maps) {
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(installed, file), 'utf8')) as {
      sources: string[]
      sourcesContent: string[]
    }
    t.ok(sources.length > 20)
    for (const [n, source] of sources.entries())
      t.ok(readFileSync(join(projectRoot, 'dist', source), 'utf8') === sourcesContent[n], source)
  }
})

t.test('the library in one file is the one that is tested in many, with the same names', async t => {
  const bundled = (await import(pathToFileURL(join(installed, 'dist', 'perdure.js')).href)) as Record<
    string,
    new (message: string) => Error
  >
  t.same(Object.keys(bundled).sort(), Object.keys(separate).sort())
  for (const [key, value] of Object.entries(separate)) t.equal(bundled[key]?.name, (value as { name: string }).name)
  t.match(new (bundled.StateError as new (message: string) => Error)('what went wrong'), {
    name: 'StateError',
    code: 'STATE',
  })
})

t.test('where fs-ext was not compiled, everything that only reads works', async t => {
  makeStore(folder)
  t.match(await runProgram(folder, 'read.js', READ), { code: 0, stdout: '[1,2,3,4]\n' })
  for (const command of ['inspect', 'log', 'verify']) await succeed(folder, TOOL, command, 'there.db')
  t.match(await succeed(folder, TOOL, 'inspect', 'there.db', '/numbers/3'), '4')
})

t.test('where fs-ext was not compiled, writing says what to do, and that helps', async t => {
  const message = await refusal(t, folder)
  t.match(message, /`npm install-scripts approve fs-ext`.*`npm rebuild fs-ext`/)
  t.match(message, /with pnpm, `pnpm approve-builds`; with yarn, .*dependenciesMeta/)
  const { code, stderr } = await run(folder, TOOL, ['pack', 'there.db'])
  t.match({ code, stderr }, { code: 3, stderr: /`npm rebuild fs-ext`/ })

  await doWhatItSays(t, folder)
  await succeed(folder, 'npx', 'perdure', 'pack', 'there.db')
  t.match(await runProgram(folder, 'read.js', READ), { code: 0, stdout: '[1,2,3,4]\n' })
})

t.test('the programs of README.md run, and the next process finds what they have stored', async t => {
  const [notes = '', bank = '', reading = '', ...others] = programs
  t.same(others, [], 'there is no other program')
  t.match(await runProgram(folder, 'notes.js', compile(notes)), { code: 0, stdout: '1\n', stderr: '' })
  t.match(await run(folder, process.execPath, ['notes.js']), { code: 0, stdout: '2\n', stderr: '' })

  t.match(await runProgram(folder, 'bank.js', compile(bank)), { code: 0, stdout: '', stderr: '' })
  const inspected = await succeed(folder, TOOL, 'inspect', 'bank.db', '/accounts/ada')
  t.match(inspected, /\bowner\s+'ada'/)
  t.match(inspected, /\bbalance\s+90\b/)
  t.match(inspected, /\btags\s+\[ 'vip' \]/)

  t.match(await runProgram(folder, 'reading.js', compile(reading)), { code: 0, stdout: '', stderr: '' })
})

t.test('the commands of README.md run', async t => {
  t.equal(commands.length, 8)
  for (const args of commands) await succeed(folder, TOOL, ...args)
})

t.test('a CommonJS program can require it', async t => {
  const required = await runProgram(folder, 'require.cjs', `console.log(typeof require('perdure').open)`)
  t.match(required, { code: 0, stdout: 'function\n', stderr: '' })
})

t.test('installed without optional packages, writing says what to do, and that helps', async t => {
  const folder = await install(t, tarball, ['--omit=optional'])
  t.notOk(existsSync(join(folder, 'node_modules', 'fs-ext')))
  makeStore(folder)
  t.match(await runProgram(folder, 'read.js', READ), { code: 0, stdout: '[1,2,3,4]\n' })
  t.match(await refusal(t, folder), /`npm install fs-ext`/)
  await doWhatItSays(t, folder)
})

t.test('without a compiler the installation succeeds, reading works, and writing says what to do', async t => {
  const folder = await install(t, tarball, [], { CC: 'false', CXX: 'false' })
  makeStore(folder)
  t.match(await runProgram(folder, 'read.js', READ), { code: 0, stdout: '[1,2,3,4]\n' })
  t.match(await refusal(t, folder), /`npm (install|rebuild) fs-ext`/)
})

/** A store that another installation has written. */
function makeStore(folder: string): void {
  const db = separate.open(join(folder, 'there.db'), { root: { numbers: [1, 2, 3] } })
  db.transact(root => root.numbers.push(4))
  db.close()
}

/** The message of the error that a program gets when it wants to write. */
async function refusal(t: Test, folder: string): Promise<string> {
  const { code, stdout } = await runProgram(folder, 'count.js', COUNT)
  t.equal(code, 1, `writing is refused: ${stdout}`)
  const error = JSON.parse(stdout) as { name: string; code: string; message: string }
  t.match(error, { name: 'UnsupportedError', code: 'UNSUPPORTED', message: /C\+\+ compiler, make and Python 3/ })
  return error.message
}

/** Runs the commands that the message names; once more, as npm may install fs-ext and still ask to approve its script. */
async function doWhatItSays(t: Test, folder: string): Promise<void> {
  for (let time = 1; time <= 2; time++) {
    const { code, stdout } = await runProgram(folder, 'count.js', COUNT)
    if (code === 0) break
    for (const [, args = ''] of stdout.matchAll(/`npm ([^`]+)`/g)) {
      // Approving fails with a version of npm that has no such thing. Whether it all helped is what counts.
      const { code } = await run(folder, 'npm', args.split(' '))
      t.comment(`npm ${args}: ${code}`)
    }
  }
  t.match(await runProgram(folder, 'count.js', COUNT), { code: 0 }, 'then writing works')
}

function compile(source: string): string {
  const { ESNext: module } = ts.ModuleKind
  return ts.transpileModule(source, { compilerOptions: { module, target: ts.ScriptTarget.ES2022 } }).outputText
}
