// The compiled command line as a child process, and stores to run it on.
import { execFile, spawn, type ChildProcessByStdio, type SpawnOptions } from 'node:child_process'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { open, Persistent, PersistentList, PersistentMap, PersistentSet } from '../../lib/index.js'
import { plainNode } from '../helpers/plain-node.js'
import { tempDir } from '../helpers/temp-dir.js'

export const tool = fileURLToPath(new URL('../../command.js', import.meta.url))

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions extends Pick<SpawnOptions, 'uid' | 'gid' | 'cwd'> {
  /** For node itself. */
  readonly nodeArgs?: readonly string[]
}

export interface Started {
  readonly process: ChildProcessByStdio<null, Readable, Readable>
  readonly ended: Promise<Run>
}

export function start(args: readonly string[], { nodeArgs = [], ...options }: RunOptions = {}): Started {
  const [command, all] = plainNode(...nodeArgs, tool, ...args)
  const child = spawn(command, all, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Run>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  return { process: child, ended }
}

/** Runs `perdure ...args` to its end. */
export function perdure(...args: string[]): Promise<Run> {
  return start(args).ended
}

/** Runs the tool with standard output going to `reader`, a shell command; gives the tool's own exit code. */
export function piped(
  args: readonly string[],
  reader: string,
): Promise<{ code: string; stdout: string; stderr: string }> {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
  const [command, all] = plainNode(tool, ...args)
  const call = [command, ...all].map(quoted).join(' ')
  const script = `{ { ${call}; echo "exit $?" >&3; } | ${reader}; } 3>&2`
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', script], (error, stdout, stderr) => {
      if (error) return reject(new Error('sh has failed', { cause: error }))
      const [rest = '', code = ''] = stderr.split('exit ')
      resolve({ code: code.trim(), stdout, stderr: rest })
    })
  })
}

/** Fails the test unless the run did what it should without a word on stderr; returns what it printed. */
export async function printed(t: Test, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await perdure(...args)
  t.same({ code, stderr }, { code: 0, stderr: '' }, `perdure ${args.join(' ')}`)
  return stdout
}

export async function printedJson<T = Record<string, unknown>>(t: Test, ...args: string[]): Promise<T> {
  return JSON.parse(await printed(t, ...args, '--json')) as T
}

export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}

// ---- stores -----------------------------------------------------------------------------------------------------

export class Account extends Persistent {
  static type = 'Account'
  static version = 3
  owner = ''
  balance = 0
  tags: string[] = []
  friend: Account | null = null
}

export class Bank extends Persistent {
  static type = 'Bank'
  name = 'First'
  accounts = new PersistentMap<string | number | Date | bigint | (string | number)[] | Account, unknown>()
  queue = new PersistentList<unknown>()
  seen = new PersistentSet<string>()
  settings = { limits: [10, 20], 'odd/key': true }
  values: unknown = null
}

export function openBank(path: string) {
  return open(path, { root: Bank, classes: [Account], durability: 'os' })
}

/** As `bank`, with 50,000 accounts more, which take a while to go through. */
export function largeBank(t: Test): string {
  const path = bank(t)
  const db = openBank(path)
  for (let part = 0; part < 10; part++) {
    db.transact(bank => {
      for (let n = 0; n < 5000; n++) bank.queue.push(new Account())
    })
  }
  db.close()
  return path
}

/** Four commits, one unreachable object: Bank 1, ada and bob, who are friends. Returns the path. */
export function bank(t: Test): string {
  const path = join(tempDir(t), 'bank.db')
  const db = openBank(path)
  db.transact(function setUp(bank) {
    for (const owner of ['ada', 'bob', '@scope/name']) {
      const account = new Account()
      account.owner = owner
      bank.accounts.set(owner, account)
    }
    bank.queue.push('first', bank.accounts.get('ada'), { plain: [1, 2] })
    bank.seen.add('x').add('y')
  })
  db.transact(function befriend(bank) {
    const [ada, bob] = ['ada', 'bob'].map(owner => bank.accounts.get(owner) as Account) as [Account, Account]
    ada.friend = bob
    bob.friend = ada
    ada.tags.push('vip', 'old')
  })
  db.transact(bank => bank.accounts.delete('@scope/name'), { note: 'close an account', meta: { by: 'ada' } })
  db.close()
  return path
}

/** Turns one byte of the file around. */
export function damage(path: string, offset: number): void {
  const fd = openSync(path, 'r+')
  const byte = new Uint8Array(1)
  readSync(fd, byte, 0, 1, offset)
  writeSync(
    fd,
    byte.map(value => value ^ 0xff),
    0,
    1,
    offset,
  )
  closeSync(fd)
}

/** Where each commit that the store still has begins, by its number. */
export async function commitOffsets(t: Test, path: string): Promise<Map<number, number>> {
  const lines = jsonLines(await printed(t, 'log', path, '--json'))
  return new Map(lines.map(({ tid, offset }) => [tid as number, offset as number]))
}
