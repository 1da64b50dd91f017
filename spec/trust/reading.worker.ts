// A worker thread that reads a store until it is terminated; before that it says what becomes of its attempts to write. Loading
// all of Perdure takes longer than what is tested, so most of these threads take the part below the objects only.
import { parentPort, workerData } from 'node:worker_threads'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'

const { path, whole } = workerData as { path: string; whole: boolean }
const say = (text: string): void => parentPort?.postMessage(text)

function codeOf(act: () => unknown): string {
  try {
    act()
    return 'done'
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

/** Returns what reads once. */
async function readerOfObjects(): Promise<() => void> {
  const { open } = await import('perdure')
  const root = { numbers: [] as number[] }
  say(codeOf(() => open(path, { root }).close()))
  const db = open(path, { root, readonly: true })
  say(codeOf(() => db.transact(root => root.numbers.push(1))))
  return () => {
    db.refresh()
    const { numbers } = db.root
    if (numbers.some((n, at) => n !== numbers[0]! + at)) throw new Error('half of a commit')
  }
}

function readerOfRecords(): () => void {
  say(codeOf(() => Store.open(systemDisk, path).close()))
  const store = Store.open(systemDisk, path, { readonly: true })
  return () => {
    const { generation, offset } = store.latest()
    for (const [oid] of generation.index.entries()) generation.read(generation.find(oid, offset))
  }
}

const read = whole ? await readerOfObjects() : readerOfRecords()
for (;;) {
  read()
  say('read')
  await new Promise(setImmediate)
}
