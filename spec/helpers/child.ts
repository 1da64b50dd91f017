// The test's side of a stepped process: another node process that does one thing at a time, as it is told, and that
// never outlives its test. Its script ends with `serve(methods)`.
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { plainNode } from './plain-node.js'
import type { Methods, Reply, Request } from './serve.js'

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a method of the child threw. `name`, `code` and the error's other fields are those of the original. */
export class ChildError extends Error {
  readonly code: string | undefined
  readonly facts: Readonly<Record<string, unknown>>
  constructor(facts: Readonly<Record<string, unknown>>) {
    super(String(facts.message))
    this.name = String(facts.name)
    this.code = typeof facts.code === 'string' ? facts.code : undefined
    this.facts = facts
    if (typeof facts.stack === 'string') this.stack = `${facts.stack}\n    in a child process`
  }
}

export interface Child<M extends Methods> {
  readonly pid: number
  readonly exited: Promise<Exit>
  /** What it wrote to stderr so far. */
  readonly stderr: string
  /** Runs a method over there. Rejects with ChildError when it throws; with code CHILD_EXITED when the child is gone. */
  call<K extends keyof M & string>(name: K, ...args: Parameters<M[K]>): Promise<Awaited<ReturnType<M[K]>>>
  /** SIGKILL unless told otherwise; `await exited` to know that it is gone. */
  kill(signal?: NodeJS.Signals): void
}

/** Environment variables on top of the test's own. */
export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Starts a compiled script (`new URL('./x.child.js', import.meta.url)`) and waits until it serves.
 *
 *     const c = await child<typeof import('./counter.child.js').methods>(t, new URL('./counter.child.js', import.meta.url), [dir])
 *     await c.call('increment', 3)
 */
export async function child<M extends Methods = Methods>(
  t: Test,
  script: URL | string,
  args: readonly string[] = [],
  options: ChildOptions = {},
): Promise<Child<M>> {
  const path = script instanceof URL ? fileURLToPath(script) : script
  const started = new SteppedProcess(t, path, args, options)
  t.teardown(() => started.end())
  await started.ready
  return started
}

interface Pending {
  resolve(value: unknown): void
  reject(error: Error): void
}

class SteppedProcess implements Child<Methods> {
  readonly ready: Promise<unknown>
  readonly exited: Promise<Exit>
  stderr = ''
  readonly #process: ChildProcess
  /** Requests without a reply, by number; 0 is the greeting. Empty and closed once the process is gone. */
  readonly #pending = new Map<number, Pending>()
  #gone: ChildError | undefined
  #requests = 0

  constructor(t: Test, path: string, args: readonly string[], options: ChildOptions) {
    const [command, commandArgs] = plainNode(path, ...args)
    const env = { ...process.env, ...options.env }
    const started = spawn(command, commandArgs, { env, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#process = started
    this.ready = this.#expect(0)

    const lines = createInterface({ input: started.stdout })
    lines.on('line', line => (line.startsWith('{"reply":') ? this.#settle(line) : t.comment(`${started.pid}: ${line}`)))
    started.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text))
    started.stdin.on('error', () => {}) // a request to a child that has just died: `close` rejects it

    const killWithTest = () => started.kill('SIGKILL')
    process.once('exit', killWithTest)
    this.exited = new Promise((resolve, reject) => {
      started.once('error', reject)
      started.once('close', (code, signal) => {
        process.off('exit', killWithTest)
        this.#close(`${path} has exited: ${signal ?? `code ${code}`}\n${this.stderr}`)
        resolve({ code, signal })
      })
    })
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  call<T>(name: string, ...args: unknown[]): Promise<T> {
    if (this.#gone) return Promise.reject(this.#gone)
    const request: Request = { id: ++this.#requests, name, args }
    const reply = this.#expect(request.id)
    this.#process.stdin?.write(JSON.stringify(request) + '\n')
    return reply as Promise<T>
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#process.kill(signal)
  }

  async end(): Promise<void> {
    this.kill()
    await this.exited
  }

  #expect(id: number): Promise<unknown> {
    const reply = new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
    reply.catch(() => {}) // a test may kill a child in the middle of a call that it no longer waits for
    return reply
  }

  #settle(line: string): void {
    const { reply, value, error } = JSON.parse(line) as Reply
    const pending = this.#pending.get(reply)
    this.#pending.delete(reply)
    if (error) pending?.reject(new ChildError(error))
    else pending?.resolve(value)
  }

  #close(message: string): void {
    this.#gone = new ChildError({ name: 'ChildError', code: 'CHILD_EXITED', message })
    for (const pending of this.#pending.values()) pending.reject(this.#gone)
    this.#pending.clear()
  }
}
