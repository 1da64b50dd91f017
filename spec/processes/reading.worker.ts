// A worker thread: reads a store, tries to write to it, and posts what came of it.
import { parentPort, workerData } from 'node:worker_threads'
import { systemDisk } from '../../lib/file/system-disk.js'
import { Store } from '../../lib/store/store.js'
import { initialDraft, put, record, textOf } from '../helpers/drafts.js'

const { path, missing } = workerData as { path: string; missing: string }
const codeOf = (act: () => unknown): string => {
  try {
    act()
    return 'done'
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}
const reader = Store.open(systemDisk, path, { readonly: true })
const read = textOf(reader, 1)
reader.close()
const write = codeOf(() => {
  const store = Store.open(systemDisk, path)
  try {
    put(store, record(1, 'by the worker'))
  } finally {
    store.close()
  }
})
const create = codeOf(() => Store.open(systemDisk, missing, {}, initialDraft))
parentPort?.postMessage({ read, write, create })
