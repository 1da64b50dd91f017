// What all commands have in common: help, mistakes in the call, files that are no store, pipes, permissions.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { plainNode } from '../helpers/plain-node.js'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'
import { bank, damage, openBank, perdure, piped, printed, start, tool, commitOffsets } from './cli-tool.js'

/** Those that need nothing but a store. */
const COMMANDS = ['inspect', 'log', 'verify', 'pack', 'dump'] as const
const ALL = [...COMMANDS, 'recover', 'load']

/** One clear message: a line that names the tool, and no stack trace. */
function isOneMessage(t: Test, stderr: string, ...parts: (string | RegExp)[]): void {
  t.match(stderr, /^perdure: [^\n]+\n$/, 'one line')
  t.notMatch(stderr, /\n\s+at /, 'no stack trace')
  for (const part of parts) t.match(stderr, part)
}

t.test('--version prints the version of the package', async t => {
  const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
  t.equal(await printed(t, '--version'), `${version}\n`)
})

t.test('--help names every command, gives examples and says what the exit codes mean', async t => {
  const help = await printed(t, '--help')
  for (const command of ALL) t.match(help, new RegExp(`^  ${command} `, 'm'))
  t.match(help, /^ {2}perdure inspect app\.db \/accounts\/ada/m)
  for (const code of [0, 1, 2, 3, 4, 129, 130, 143]) t.match(help, new RegExp(`^  ${code} +\\S`, 'm'))
})

t.test('each command has help of its own', async t => {
  for (const command of ALL) t.match(await printed(t, command, '--help'), `Usage: perdure ${command}`)
})

t.test('a call that cannot be understood exits with 2 and says so on stderr only', async t => {
  const calls = [
    [],
    ['unknown'],
    ['inspect'],
    ['inspect', 'a.db', '/b', 'too much'],
    ['inspect', 'a.db', 'neither path nor number'],
    ['inspect', 'a.db', ''],
    ['inspect', 'a.db', '--limit', 'x'],
    ['log', 'a.db', '-n', '-1'],
    ['verify', 'a.db', '--unknown'],
    ['pack'],
    ['pack', 'a.db', '--lock-timeout', '1e3'],
  ]
  await Promise.all(
    calls.map(async call => {
      const { code, stdout, stderr } = await perdure(...call)
      t.same([code, stdout], [2, ''], `perdure ${call.join(' ')}`)
      t.match(stderr, /perdure/i)
      t.notMatch(stderr, /\n\s+at /)
    }),
  )
})

t.test('a path where no store is: exit code 1, one message', async t => {
  const dir = tempDir(t)
  const at = (name: string, content?: string | Uint8Array): string => {
    if (content !== undefined) writeFileSync(join(dir, name), content)
    return join(dir, name)
  }
  mkdirSync(at('folder'))
  symlinkSync('nowhere', at('dangling.db'))
  const cases = [
    [at('missing.db'), /no such file/],
    [at('no/such/folder.db'), /no such file/],
    [join(at('text.db', 'just text'), 'below.db'), /not a directory|no such file/],
    [at('dangling.db'), /no such file/],
    [at('folder'), /not a regular file/],
    [at('empty.db', ''), /the file is empty; wait, if it is being copied, or else remove it/],
    [at('empty.db.lock', ''), /name the store, without \.lock\. The file was not/],
    [at('text.db', 'just text'), /not a Perdure store/],
    ['/dev/null', /not a regular file/],
  ] as const
  for (const command of COMMANDS) {
    await Promise.all(
      cases.map(async ([path, message]) => {
        const { code, stdout, stderr } = await perdure(command, path)
        t.same([code, stdout], [1, ''], `${command} ${path}`)
        isOneMessage(t, stderr, message)
      }),
    )
  }
})

t.test('what recover is given must be a regular file: it does not wait for who might write to a pipe', async t => {
  const dir = tempDir(t)
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, dir, '/dev/null']) {
    const { code, stdout, stderr } = await perdure('recover', path, '-o', join(dir, 'new.db'))
    t.same([code, stdout], [1, ''], path)
    isOneMessage(t, stderr, path, /not a regular file/)
  }
})

t.test('a pipe in the place of a file beside the store is not waited for', async t => {
  for (const suffix of ['.index', '.lock', '.0123456789abcdef.pack']) {
    const path = bank(t)
    rmSync(path + suffix, { force: true })
    execFileSync('mkfifo', [path + suffix])
    for (const command of ['inspect', 'verify', 'pack']) await printed(t, command, path)
  }
})

t.test('a new file that cannot be put anywhere: exit code 3', async t => {
  const path = bank(t)
  const dump = join(dirname(path), 'dump')
  await printed(t, 'dump', path, '-o', dump)
  for (const output of [join(dirname(path), 'missing', 'new'), join(path, 'new')]) {
    for (const args of [
      ['recover', path],
      ['dump', path],
      ['load', dump],
    ]) {
      const { code, stdout, stderr } = await perdure(...args, '-o', output)
      t.same([code, stdout], [3, ''], args.join(' '))
      isOneMessage(t, stderr, output, /there is no directory/)
    }
  }
})

t.test('- is standard output, to which no store can be written', async t => {
  const path = bank(t)
  const text = await printed(t, 'dump', path)
  t.equal(await printed(t, 'dump', path, '-o', '-'), text)
  const dump = join(dirname(path), 'dump')
  await printed(t, 'dump', path, '-o', dump)
  for (const args of [
    ['recover', path],
    ['load', dump],
  ]) {
    const { code, stdout, stderr } = await perdure(...args, '-o', '-')
    t.same([code, stdout], [2, ''], args.join(' '))
    isOneMessage(t, stderr, /a store cannot be written to standard output/)
  }
  t.notOk(existsSync('-'))
})

t.test('what is told of names and texts does not steer the terminal', async t => {
  const path = join(tempDir(t), 'a\x1b[31m\nb')
  const calls = [
    ...COMMANDS.map(command => [command, path]),
    ['recover', path, '-o', `${path}.new`],
    ['load', path, '-o', join(path, 'new')],
    ['inspect', path, '\x1b[31m'],
    ['log', path, '-n', '\x1b[31m'],
  ]
  const told = await Promise.all(calls.map(call => perdure(...call)))
  for (const { stderr, stdout } of told) {
    t.notMatch(stderr + stdout, '\x1b')
    t.match(stderr, /perdure: .*\\u001b\[31m/)
  }
})

t.test('a file of a newer format: exit code 3, and advice to install a newer version', async t => {
  const path = bank(t)
  const bytes = readFileSync(path)
  bytes.writeUInt32LE(2, 8)
  writeFileSync(path, bytes)
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await perdure(command, path)
    t.same([code, stdout], [3, ''], command)
    isOneMessage(t, stderr, path, /format 2.*Install a newer version/)
  }
})

t.test('a damaged header: exit code 1', async t => {
  const path = bank(t)
  damage(path, 30)
  for (const command of COMMANDS) {
    const { code, stderr } = await perdure(command, path)
    t.equal(code, 1, command)
    isOneMessage(t, stderr, path, /header is damaged/)
  }
  truncateSync(path, 1000)
  const { code, stderr } = await perdure('inspect', path)
  t.equal(code, 1)
  isOneMessage(t, stderr, /ends within its header/)
})

t.test('a file that must not be read: exit code 3', async t => {
  const path = bank(t)
  chmodSync(path, 0)
  chmodSync(dirname(path), 0o755)
  // Nothing is forbidden to the superuser.
  const somebody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const canRun = await start(['--version'], { ...somebody, cwd: '/' }).ended.catch(() => undefined)
  if (canRun?.code !== 0) return t.comment('not tested: another user cannot run this build')
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await start([command, path], { ...somebody, cwd: '/' }).ended
    t.same([code, stdout], [3, ''], command)
    isOneMessage(t, stderr, path, /permission denied/)
  }
})

t.test('reading needs no fs-ext; pack says what to do', async t => {
  const path = bank(t)
  const preload = join(dirname(path), 'without-fs-ext.cjs')
  writeFileSync(
    preload,
    `const Module = require('node:module'), load = Module._load
     const error = Object.assign(new Error('not compiled'), { code: 'ERR_DLOPEN_FAILED' })
     Module._load = (name, ...rest) => { if (name === 'fs-ext') throw error; return load(name, ...rest) }`,
  )
  for (const command of ['inspect', 'log', 'verify']) {
    const { code, stdout, stderr } = await start([command, path], { nodeArgs: ['--require', preload] }).ended
    t.same([code, stderr], [0, ''], command)
    t.not(stdout, '')
  }
  const before = readFileSync(path)
  const { code, stdout, stderr } = await start(['pack', path], { nodeArgs: ['--require', preload] }).ended
  t.same([code, stdout], [3, ''])
  isOneMessage(t, stderr, /npm rebuild fs-ext/)
  t.ok(readFileSync(path).equals(before), 'the store is as it was')
})

t.test('a reader that goes away ends the tool in silence, with exit code 0', async t => {
  const path = bank(t)
  const db = openBank(path)
  for (let n = 0; n < 1500; n++)
    db.transact(bank => (bank.name = `name ${n}`), { note: `a note to make lines longer: ${n}` })
  db.close()
  for (const args of [
    ['log', path],
    ['log', path, '--reverse'],
    ['log', path, '--json'],
  ]) {
    const { code, stdout, stderr } = await piped(args, 'head -n 1')
    t.same([code, stderr], ['0', ''], args.join(' '))
    t.equal(stdout.split('\n').length, 2, 'one line came through')
  }
  for (const args of [['inspect', path], ['verify', path], ['--help']]) {
    t.match(await piped(args, 'true'), { code: '0', stderr: '' }, args.join(' '))
  }
  damage(path, (await commitOffsets(t, path)).get(700)! + 90)
  rmSync(`${path}.index`) // so that all of the log is read
  for (const args of [
    ['inspect', path],
    ['inspect', path, '--json'],
    ['log', path, '--json'],
    ['dump', path],
  ]) {
    t.match(await piped(args, 'true'), { code: '1' }, `${args.join(' ')} tells that it is damaged`)
  }
  const saved = `${path}.saved`
  t.match(await piped(['recover', path, '-o', saved], 'true'), { code: '4', stderr: '' })
  t.match(await piped(['recover', path, '-o', `${saved}2`, '--json'], 'true'), { code: '4', stderr: '' })
  t.match(await piped(['verify', path], 'head -c 1'), { code: '1', stderr: '' }, 'damage is told all the same')
  t.match(await piped(['verify', path], 'true'), { code: '1', stderr: '' })
})

t.test('a slow reader gets everything', async t => {
  const path = bank(t)
  const db = openBank(path)
  for (let n = 0; n < 1500; n++)
    db.transact(bank => (bank.name = `name ${n}`), { note: `a note to make lines longer: ${n}` })
  db.close()
  const { stdout } = await piped(['log', path], 'wc -l')
  t.equal(Number(stdout), 1504)
})

t.test('output that cannot be written: exit code 3', async t => {
  if (!existsSync('/dev/full')) return t.comment('not tested: there is no /dev/full')
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const [command, args] = plainNode(tool, 'inspect', bank(t))
  const { status, stderr } = spawnSync(command, args, { stdio: ['ignore', full, 'pipe'], encoding: 'utf8' })
  t.equal(status, 3)
  isOneMessage(t, stderr, /standard output: no space left/)
})
