import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import t from 'tap'
import { plainNode } from '../helpers/plain-node.js'
import {
  bank,
  commitOffsets,
  damage,
  jsonLines,
  largeBank,
  openBank,
  perdure,
  piped,
  printed,
  printedJson,
  start,
  type Run,
  tool,
} from './cli-tool.js'

t.test('dump prints a store as lines of JSON, and load makes a store of them', async t => {
  const path = bank(t)
  const [text, copy] = [`${path}.jsonl`, `${path}.copy`]
  const dumped = await printed(t, 'dump', path)
  const lines = jsonLines(dumped)
  t.match(lines[0], { perdure: 'dump', tid: 4 })
  t.match(
    lines.find(({ oid }) => oid === 1),
    { type: 'Bank', fields: { name: 'First', accounts: { $ref: Number }, settings: { limits: [10, 20] } } },
  )
  writeFileSync(text, dumped)
  t.match(await printed(t, 'load', text, '-o', copy), /^\d+ records loaded into .*copy, as of commit 4\n$/)
  t.equal(await printed(t, 'dump', copy), dumped)
  t.match(await printed(t, 'verify', copy), /no damage/)
  const db = openBank(copy)
  t.match(db.root.accounts.get('ada'), { owner: 'ada', tags: ['vip', 'old'], friend: { owner: 'bob' } })
  db.close()
})

t.test('dump writes into a new file, and only a new one', async t => {
  const path = bank(t)
  const text = `${path}.jsonl`
  t.match(await printed(t, 'dump', path, '-o', text), /^\d+ records written to .*jsonl, as of commit 4\n$/)
  t.equal(readFileSync(text, 'utf8'), await printed(t, 'dump', path))
  t.match(await perdure('dump', path, '-o', text), {
    code: 3,
    stdout: '',
    stderr: /jsonl exists, and only a new file is written/,
  })
  const report = await printedJson(t, 'dump', path, '-o', `${text}2`)
  t.match(report, { path, output: `${text}2`, records: Number, tid: 4 })
})

t.test('what a full disk refuses is told with the name of the file, and leaves nothing', async t => {
  const path = bank(t)
  const text = `${path}.jsonl`
  // The most that a file may have stands for the most that a disk has.
  const [command, args] = plainNode(tool, 'dump', path, '-o', text)
  const shell = ['-c', 'ulimit -S -f 0 && exec "$0" "$@"', command, ...args]
  const { status, stderr } = spawnSync('bash', shell, { encoding: 'utf8' })
  t.equal(status, 3)
  t.equal(stderr, `perdure: ${text}: file too large\n`)
  t.same(
    readdirSync(dirname(path)).filter(name => name.startsWith(basename(text))),
    [],
  )
})

t.test('what dump and load write is for its owner alone, as a store is', async t => {
  const path = bank(t)
  const [text, copy] = [`${path}.jsonl`, `${path}.copy`]
  await printed(t, 'dump', path, '-o', text)
  await printed(t, 'load', text, '-o', copy)
  for (const file of [path, text, copy]) t.equal(statSync(file).mode & 0o777, 0o600, file)
})

/** Runs the tool where calls of the system do what `changes` to `fs` say. */
function runWith(changes: string, ...args: string[]): Promise<Run> {
  const script = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'; ${changes}; syncBuiltinESMExports()`
  return start(args, { nodeArgs: ['--import', `data:text/javascript,${encodeURIComponent(script)}`] }).ended
}

t.test('a dump has its name when it is whole and on disk, and not before', async t => {
  const path = bank(t)
  const text = `${path}.jsonl`
  const kill = '() => process.kill(process.pid, "SIGKILL")'
  const { signal } = await runWith(`fs.fsyncSync = fs.fdatasyncSync = ${kill}`, 'dump', path, '-o', text)
  t.equal(signal, 'SIGKILL')
  t.notOk(existsSync(text))
  const whole = await printed(t, 'dump', path)
  await printed(t, 'dump', path, '-o', text)
  t.equal(readFileSync(text, 'utf8'), whole, "what is left of it is in nobody's way")
})

t.test(
  'it is told of a link that leads nowhere that something is there, and of a directory that it is not',
  async t => {
    const path = bank(t)
    const [link, text] = [`${path}.link`, `${path}.jsonl`]
    symlinkSync(`${path}.nowhere`, link)
    const noLinks = 'fs.linkSync = () => { throw Object.assign(new Error("no links here"), { code: "EPERM" }) }'
    for (const changes of ['', noLinks])
      t.match(await runWith(changes, 'dump', path, '-o', link), {
        code: 3,
        stdout: '',
        stderr: /^[^\n]*\.link exists, and only a new file is written[^\n]*\n$/,
      })
    await printed(t, 'dump', path, '-o', text)
    for (const output of [`${path}.missing/`, `${text}/`])
      for (const command of [
        ['dump', path],
        ['load', text],
        ['recover', path],
      ])
        t.match(await perdure(...command, '-o', output), { code: 3, stderr: `there is no directory ${output}\n` })
    t.same(
      readdirSync(dirname(path)).filter(name => !name.endsWith('.lock')),
      [path, text, link].map(each => basename(each)),
    )
  },
)

t.test('what appears there meanwhile is not replaced', async t => {
  const path = bank(t)
  const text = `${path}.jsonl`
  const appears = `fs.writeFileSync(${JSON.stringify(text)}, "other")`
  const change = `fs.fsyncSync = fs.fdatasyncSync = () => ${appears}`
  t.match(await runWith(change, 'dump', path, '-o', text), { code: 3, stderr: /jsonl exists/ })
  t.equal(readFileSync(text, 'utf8'), 'other')
  t.same(
    readdirSync(dirname(path)).filter(name => name.endsWith('.part')),
    [],
  )
})

t.test('a file system without hard links can take a dump', async t => {
  const path = bank(t)
  const text = `${path}.jsonl`
  const change = 'fs.linkSync = () => { throw Object.assign(new Error("no links"), { code: "EPERM" }) }'
  t.match(await runWith(change, 'dump', path, '-o', text), { code: 0, stderr: '' })
  t.equal(readFileSync(text, 'utf8'), await printed(t, 'dump', path))
  t.same(
    readdirSync(dirname(path)).filter(name => name.endsWith('.part')),
    [],
  )
})

t.test('load takes standard input', async t => {
  const path = bank(t)
  const dumped = await printed(t, 'dump', path)
  const [command, args] = plainNode(tool, 'load', '-', '-o', `${path}.copy`, '--json')
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(dumped)
  let stdout = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { path: 'standard input', output: `${path}.copy`, records: Number, tid: 4 })
})

t.test('Ctrl-C stops load while it waits for more: exit code 130, and no store is made', async t => {
  const path = bank(t)
  const dumped = await printed(t, 'dump', path)
  const [command, args] = plainNode(tool, 'load', '-', '-o', `${path}.copy`)
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin.write(dumped.slice(0, 500))
  const isMaking = (): boolean => readdirSync(dirname(path)).some(name => name.endsWith('.new'))
  while (!isMaking()) await new Promise(resolve => setTimeout(resolve, 10))
  child.kill('SIGINT')
  const [code] = (await once(child, 'close')) as [number]
  t.equal(code, 130)
  t.equal(stderr, 'perdure: standard input: interrupted; no store was made\n')
  t.notOk(existsSync(`${path}.copy`))
  t.notOk(isMaking())
})

t.test('what ends a dump leaves nothing of the file that it was to write', async t => {
  const path = largeBank(t)
  const names = (): string[] => readdirSync(dirname(path)).filter(name => name.includes('jsonl'))
  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const) {
    const { process: child, ended } = start(['dump', path, '-o', `${path}.jsonl`])
    while (names().length === 0 && child.exitCode === null) await new Promise(resolve => setTimeout(resolve, 2))
    child.kill(signal)
    const { code, stdout, stderr } = await ended
    t.same([code, stdout], [expected, ''], signal)
    t.equal(stderr, `perdure: ${path}: interrupted; nothing was written\n`)
    t.same(names(), [])
  }
})

t.test('so it does while nobody writes to a named pipe', async t => {
  const path = bank(t)
  const pipe = `${path}.pipe`
  execFileSync('mkfifo', [pipe])
  const dumped = await printed(t, 'dump', path)
  const { process: child, ended } = start(['load', pipe, '-o', `${path}.copy`])
  const writer = await open(pipe, 'w')
  await writer.write(dumped.slice(0, 500))
  const isMaking = (): boolean => readdirSync(dirname(path)).some(name => name.endsWith('.new'))
  while (!isMaking()) await new Promise(resolve => setTimeout(resolve, 10))
  child.kill('SIGINT')
  t.match(await ended, { code: 130, stderr: `perdure: ${pipe}: interrupted; no store was made\n` })
  await writer.close()
  t.notOk(existsSync(`${path}.copy`))
  const [whole, again] = [start(['load', pipe, '-o', `${path}.copy`]), await open(pipe, 'w')]
  await again.write(dumped)
  await again.close()
  t.match(await whole.ended, { code: 0, stderr: '' })
  t.equal(await printed(t, 'dump', `${path}.copy`), dumped)
})

t.test('load refuses what is no whole dump, and what would replace something', async t => {
  const path = bank(t)
  const [text, copy] = [`${path}.jsonl`, `${path}.copy`]
  writeFileSync(text, (await printed(t, 'dump', path)).split('\n').slice(0, 9).join('\n'))
  t.match(await perdure('load', text, '-o', copy), { code: 1, stdout: '', stderr: /jsonl, line 9: .* cut off/ })
  t.match(await perdure('load', path, '-o', copy), { code: 1, stdout: '', stderr: /line 1: this is no JSON/ })
  t.match(await perdure('load', `${path}.none`, '-o', copy), { code: 1, stderr: /bank\.db\.none: no such file/ })
  t.match(await perdure('load', dirname(path), '-o', copy), { code: 1, stderr: /directory/ })
  t.match(await perdure('load', text, '-o', path), { code: 3, stderr: /bank\.db exists/ })
  t.match(await perdure('load', text), { code: 2 })
  t.notOk(existsSync(copy))
})

t.test('of a damaged store dump gives what stands before the damage, with exit code 1', async t => {
  const path = bank(t)
  const whole = await printed(t, 'dump', path)
  damage(path, ((await commitOffsets(t, path)).get(4) as number) + 80)
  const { code, stdout, stderr } = await perdure('dump', path)
  t.equal(code, 1)
  t.match(stderr, /perdure verify/)
  t.match(jsonLines(stdout)[0], { tid: 3 })
  t.not(stdout, whole)
})

t.test('of a store in which objects are lost, both do what can be done, and exit with 4', async t => {
  const path = bank(t)
  const [saved, text, copy] = [`${path}.saved`, `${path}.jsonl`, `${path}.copy`]
  const bytes = readFileSync(path)
  // All versions of bob are damaged, and ada refers to him.
  for (let at = bytes.indexOf('bob\0'); at >= 0; at = bytes.indexOf('bob\0', at + 1)) bytes.write('X', at)
  writeFileSync(path, bytes)
  t.match(await perdure('recover', path, '-o', saved), { code: 4 })
  const dumped = await perdure('dump', saved, '-o', text)
  t.match(dumped, { code: 4, stdout: /records written/, stderr: /of 1 object that others refer to, nothing was left/ })
  t.match(await perdure('load', text, '-o', copy), { code: 4, stdout: /lost: 1 object/, stderr: '' })
  for (const args of [
    ['dump', copy],
    ['load', text, '-o', `${copy}2`],
  ])
    t.match(await piped(args, 'true'), { code: '4' }, `${args.join(' ')} tells it, whoever reads`)
  t.match(jsonLines(await perdure('dump', copy).then(({ stdout }) => stdout)), jsonLines(readFileSync(text, 'utf8')))
})
