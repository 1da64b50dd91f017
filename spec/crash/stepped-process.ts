// The main thread's end of a process that is stepped from one system call to the next: knows which call it wants to make,
// carries it out on the simulated disk when told to, and waits until it wants the next. Only one of all processes ever runs.
import { deserialize, serialize } from 'node:v8'
import { Worker } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import type { Disk } from '../../lib/file/disk.js'
import { plainWorker } from '../helpers/plain-node.js'
import type { SimulatedDisk, SimulatedProcess } from './simulated-disk.js'

/** States of a channel; 0: the process runs. */
export const REQUEST = 1
export const ANSWER = 2

/** `control`: state, length of `data`. */
export interface Channel {
  readonly control: Int32Array
  readonly data: Uint8Array
}

export type Answer =
  { readonly value: unknown } | { readonly error: { readonly message: string; readonly code?: string } }

/** What a process is to do: first how it opens the store, then the rest. */
export interface Task {
  readonly seed: number
  readonly acts: readonly string[]
}

/** The error that ended the task; `code` undefined: none. */
export interface Outcome {
  readonly code: string | undefined
  readonly message: string
}

export interface Request {
  readonly name: string
  readonly args: readonly unknown[]
}

const TEMPORARY = /\.(new|pack|cache)$/

export function waitWhile(control: Int32Array, isWaiting: (state: number) => boolean): void {
  for (;;) {
    const state = Atomics.load(control, 0)
    if (!isWaiting(state)) return
    Atomics.wait(control, 0, state)
  }
}

const CAPACITY = 1 << 18

export class SteppedProcess {
  /** The call that it waits to make; `idle`: it has ended its task. */
  request: Request = { name: 'idle', args: [] }
  /** Checksum and number of all answers to its task so far: they decide what it does next. */
  told = 0
  answers = 0
  /** Where its descriptors lead to. */
  readonly opened = new Map<number, string>()
  #process: SimulatedProcess | undefined
  readonly #channel: Channel
  readonly #worker: Worker

  constructor() {
    this.#channel = {
      control: new Int32Array(new SharedArrayBuffer(8)),
      data: new Uint8Array(new SharedArrayBuffer(CAPACITY)),
    }
    this.#worker = new Worker(new URL('./stepped.worker.js', import.meta.url), {
      ...plainWorker,
      workerData: this.#channel,
    })
    this.#receive()
  }

  get idle(): boolean {
    return this.request.name === 'idle'
  }

  /** Of the last task. */
  get outcome(): Outcome {
    return this.request.args[0] as Outcome
  }

  get killed(): boolean {
    return this.#process?.killed === true
  }

  /** What it does next is done to a temporary file, or only told: it makes no difference to others. */
  get isPrivate(): boolean {
    const { name, args } = this.request
    if (name === 'ready' || name === 'acknowledged' || name === 'seen') return true
    const isOfFile = name === 'read' || name === 'write' || name === 'sync' || name === 'setOwnerAndMode'
    return isOfFile && TEMPORARY.test(this.opened.get(args[0] as number) ?? '')
  }

  /** It waits for a lock that another process holds. (A temporary file is only tried, never waited for.) */
  get blocked(): boolean {
    const { name, args } = this.request
    const fd = args[0] as number
    if (name !== 'tryLock' || this.#process === undefined || TEMPORARY.test(this.opened.get(fd) ?? '')) return false
    return !this.#process.canLock(fd)
  }

  /** It is about to write to a store's file of which it has no lock. */
  get trespassing(): boolean {
    const { name, args } = this.request
    const fd = args[0] as number
    return (name === 'write' || name === 'truncate') && this.#process?.hasLocked(fd) === false
  }

  start(machine: SimulatedDisk, task: Task): void {
    this.#process = machine.process()
    this.told = this.answers = 0
    this.opened.clear()
    this.#answer({ value: task })
  }

  /** Lets the call through. Returns what it gave. */
  step(): unknown {
    const answer = this.#carryOut()
    this.#answer(answer)
    return 'value' in answer ? answer.value : undefined
  }

  /** SIGKILL: from now on all its calls fail, until it gives up. */
  kill(): void {
    this.#process?.kill()
    while (!this.idle) this.#answer({ error: { message: 'killed', code: 'KILLED' } })
  }

  async end(): Promise<void> {
    this.#send({ value: undefined })
    await this.#worker.terminate()
  }

  #carryOut(): Answer {
    const { name, args } = this.request
    if (this.#process === undefined || name === 'ready' || name === 'acknowledged' || name === 'seen')
      return { value: undefined }
    const { disk } = this.#process
    try {
      return { value: this.#call(disk, name, args) }
    } catch (error) {
      const { message, code } = error as { message: string; code?: string }
      return { error: code === undefined ? { message } : { message, code } }
    }
  }

  #call(disk: Disk, name: string, args: readonly unknown[]): unknown {
    if (name === 'read') {
      const [fd, length, position] = args as [number, number, number]
      const into = new Uint8Array(length)
      return into.subarray(0, disk.read(fd, into, 0, length, position))
    }
    if (name === 'write') {
      const [fd, bytes, position] = args as [number, Uint8Array, number | null]
      return disk.write(fd, bytes, 0, bytes.length, position)
    }
    const value: unknown = (disk as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name]?.(
      ...args,
    )
    if (name === 'open' || name === 'create' || name === 'openLock') this.opened.set(value as number, args[0] as string)
    return value
  }

  #answer(answer: Answer): void {
    this.#send(answer)
    this.#receive()
  }

  #send(answer: Answer): void {
    const bytes = serialize(answer)
    this.told = crc32(bytes, this.told)
    this.answers++
    this.#channel.data.set(bytes)
    Atomics.store(this.#channel.control, 1, bytes.length)
    Atomics.store(this.#channel.control, 0, ANSWER)
    Atomics.notify(this.#channel.control, 0)
  }

  /** Waits for the next call. */
  #receive(): void {
    const { control, data } = this.#channel
    waitWhile(control, state => state !== REQUEST)
    this.request = deserialize(data.subarray(0, Atomics.load(control, 1))) as Request
  }
}
