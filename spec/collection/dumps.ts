// Dumps of stores in memory, and stores that are made of them.
import { Readable } from 'node:stream'
import type { Test } from 'tap'
import { dump } from '../../lib/collection/dump.js'
import { loadDump, type LoadReport } from '../../lib/collection/load-dump.js'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import type { MemoryDisk } from '../damage/memory-disk.js'

export const PATH = '/app.db'
export const COPY = '/copy.db'

export async function dumped(disk: MemoryDisk, path = PATH): Promise<string[]> {
  const store = Store.open(disk, path, { readonly: true })
  const lines: string[] = []
  try {
    await dump(disk, store.latest(), line => lines.push(line), {})
  } finally {
    store.close()
  }
  return lines
}

/** In pieces of so many bytes. */
export function load(disk: MemoryDisk, text: string | Uint8Array, size = 1000, to = COPY): Promise<LoadReport> {
  const bytes = Buffer.from(text)
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
    bytes.subarray(n * size, (n + 1) * size),
  )
  return loadDump(disk, 'the dump', Readable.from(pieces), to)
}

export const textOf = (lines: readonly string[]): string => lines.map(line => `${line}\n`).join('')

/** Of each object its shape, state, references and commit. */
export function records(disk: MemoryDisk, path: string): Map<number, unknown> {
  const store = Store.open(disk, path, { readonly: true })
  const { generation } = store.latest()
  const found = new Map<number, unknown>()
  for (const [oid, at] of generation.entries()) {
    const { shape, refs, state, tid } = generation.read(at)
    found.set(oid, { shape, refs, tid, state: Buffer.from(state).toString('hex') })
  }
  store.close()
  return found
}

export function isSound(t: Test, disk: MemoryDisk, path = COPY): void {
  const findings: unknown[] = []
  verify(disk, path, finding => findings.push(finding))
  verifyCollections(disk, path, finding => findings.push(finding))
  t.same(findings, [], 'nothing is wrong with what was made')
}
