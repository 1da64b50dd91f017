// A process of which every system call waits until it is let through: a thread whose disk is in the main thread.
// Does one task after another; see stepped-process.ts for the other end.
import { deserialize, serialize } from 'node:v8'
import { workerData } from 'node:worker_threads'
import type { Disk, Fd } from '../../lib/file/disk.js'
import { pack } from '../../lib/store/pack.js'
import { Store } from '../../lib/store/store.js'
import type { Oid } from '../../lib/store/types.js'
import { draft, record, textOf } from '../helpers/drafts.js'
import { random } from '../helpers/seeded.js'
import { beginning, PATH } from './counter.js'
import { ANSWER, REQUEST, waitWhile, type Answer, type Channel, type Outcome, type Task } from './stepped-process.js'

const { control, data } = workerData as Channel

/** Has this operation carried out when it is let through. */
function call(name: string, ...args: unknown[]): unknown {
  const bytes = serialize({ name, args })
  data.set(bytes)
  Atomics.store(control, 1, bytes.length)
  Atomics.store(control, 0, REQUEST)
  Atomics.notify(control, 0)
  waitWhile(control, state => state !== ANSWER)
  const answer = deserialize(data.subarray(0, Atomics.load(control, 1))) as Answer
  if (!('error' in answer)) return answer.value
  throw Object.assign(new Error(answer.error.message), { code: answer.error.code })
}

function steppedDisk(seed: number): Disk {
  const draw = random(seed)
  let ticks = 1000
  const through =
    <K extends keyof Disk>(name: K) =>
    (...args: unknown[]): never =>
      call(name, ...args) as never
  return {
    open: through('open'),
    create: through('create'),
    openLock: through('openLock'),
    checkWriting: () => undefined,
    close: through('close'),
    end: through('end'),
    read(fd, into, at, length, position) {
      const part = call('read', fd, length, position) as Uint8Array
      into.set(part, at)
      return part.length
    },
    write: (fd, from, at, length, position) =>
      call('write', fd, Uint8Array.prototype.slice.call(from, at, at + length), position) as number,
    truncate: through('truncate'),
    sync: through('sync'),
    syncAsync: async (fd: Fd) => void call('sync', fd),
    status: through('status'),
    lookUp: through('lookUp'),
    setOwnerAndMode: through('setOwnerAndMode'),
    canonical: path => path,
    list: through('list'),
    link: through('link'),
    rename: through('rename'),
    unlink: through('unlink'),
    syncDirectory: through('syncDirectory'),
    networkFileSystem: () => undefined,
    tryLock: through('tryLock'),
    unlock: through('unlock'),
    lockHolder: () => undefined,
    now: () => Math.floor(1.7e12 + ticks),
    ticks: () => (ticks += 0.01),
    sleep: milliseconds => void (ticks += milliseconds),
    wait: async milliseconds => void (ticks += milliseconds),
    after: () => ({ cancel: () => undefined }),
    warn: () => undefined,
    random: () => draw.next(),
    randomBytes: length => draw.bytes(length),
    boot: 1,
  }
}

/** Adds one to the number in the root, as often as it takes; tells what it has become as soon as the commit returns. */
function increment(store: Store, durably: boolean): void {
  for (;;) {
    const before = store.latest()
    const value = Number(textOf(store, 1)) + 1
    const { outcome } = store.commit(draft(record(1, String(value))), before, [1 as Oid], true)
    if (outcome !== 'committed') continue
    if (durably) store.makeDurable(store.latest())
    call('acknowledged', value)
    return
  }
}

function look(store: Store): void {
  store.look()
  call('seen', Number(textOf(store, 1)), store.latest().tid)
}

async function run({ seed, acts }: Task): Promise<Outcome> {
  const [first = 'open', ...rest] = acts
  const disk = steppedDisk(seed)
  let store: Store | undefined
  try {
    const options = { readonly: first === 'open readonly' }
    store = Store.open(disk, PATH, options, first === 'create' ? beginning : undefined)
    call('ready')
    for (const act of rest) {
      if (act === 'increment' || act === 'increment durably') increment(store, act === 'increment durably')
      else if (act === 'pack') await pack(store)
      else if (act === 'look') look(store)
      else throw new Error(`what is ${act}?`)
    }
    store.close()
    return { code: undefined, message: '' }
  } catch (error) {
    try {
      store?.close()
    } catch {
      // The first error counts.
    }
    const { code, message } = error as { code?: string; message: string }
    return { code: code ?? 'UNTYPED', message }
  }
}

let outcome: Outcome | undefined
for (;;) {
  const task = call('idle', outcome) as Task | undefined
  if (task === undefined) break
  outcome = await run(task)
}
