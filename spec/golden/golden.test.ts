// Files that earlier versions wrote, opened by this one: contents exactly as they were, and everything that can be done with a file.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { verifyCollections } from '../../lib/collection/verify-collections.js'
import type { Disk } from '../../lib/file/disk.js'
import { systemDisk } from '../../lib/file/system-disk.js'
import type { Connection } from '../../lib/object/connection.js'
import { decodeAnnotation } from '../../lib/object/annotation.js'
import type { Persistent } from '../../lib/object/persistent.js'
import { readHistory } from '../../lib/store/history.js'
import { recover } from '../../lib/store/recover.js'
import { Store } from '../../lib/store/store.js'
import { verify } from '../../lib/store/verify.js'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'
import { changeSome, check, connect, idOf, values } from './content.js'
import * as largeValues from './large-values.js'
import * as queues from './queues.js'

/** A day after the files were written: ids of transactions are only kept for some days. */
const disk: Disk = { ...systemDisk, now: () => 1_700_100_000_000 }

interface Golden {
  readonly name: string
  readonly generation: number
  /** Of the last `changeSome`. */
  readonly round: number
  readonly lastTid: number
  /** The first commit whose frame is in the file. */
  readonly firstTid: number
}

const FIRST_COMMITS = values().length + 5 // with the one that made the store, collections, manyKeys, changeSome

const FILES: readonly Golden[] = [
  { name: 'v1-unpacked', generation: 1, round: 1, firstTid: 1, lastTid: FIRST_COMMITS },
  { name: 'v1-packed', generation: 2, round: 2, firstTid: FIRST_COMMITS + 1, lastTid: FIRST_COMMITS + 2 },
  { name: 'v1-packed-with-table', generation: 2, round: 2, firstTid: FIRST_COMMITS + 1, lastTid: FIRST_COMMITS + 2 },
  {
    name: 'v1-packed-with-hashed-ids',
    generation: 2,
    round: 2,
    firstTid: FIRST_COMMITS + 1,
    lastTid: FIRST_COMMITS + 2,
  },
  { name: 'v1-packed-twice', generation: 3, round: 3, firstTid: FIRST_COMMITS + 5, lastTid: FIRST_COMMITS + 4 },
]

function unpackFile(t: Test, { name }: Pick<Golden, 'name'>): string {
  const text = readFileSync(join(projectRoot, 'spec', 'golden', `${name}.base64`), 'latin1')
  const dir = join(tempDir(t), 'golden')
  mkdirSync(dir)
  const path = join(dir, 'app.db')
  writeFileSync(path, Buffer.from(text, 'base64'))
  return path
}

for (const golden of FILES) {
  t.test(golden.name, async t => {
    const path = unpackFile(t, golden)
    const bytes = readFileSync(path)

    await t.test('is sound and reads as it was written', async t => {
      verify(disk, path, ({ message }) => t.fail(message))
      check(t, disk, path, golden.round)
      t.ok(readFileSync(path).equals(bytes), 'reading has not changed it')
    })

    await t.test('has its history', async t => {
      const store = Store.open(disk, path, { readonly: true })
      t.match(store.latest(), { tid: golden.lastTid, generation: { number: golden.generation } })
      const notes = new Map<number, unknown>()
      for (const { tid, annotation } of readHistory(store.latest())) notes.set(tid, decodeAnnotation(annotation))
      t.equal(notes.size, golden.lastTid + 1 - golden.firstTid)
      if (golden.firstTid === 1) {
        values().forEach((_, n) => t.same(notes.get(n + 2), { note: `made ${n}`, meta: { n, of: ['a', { b: null }] } }))
      }
      store.close()
    })

    await t.test('can be saved into a new file', async t => {
      const saved = `${path}.saved`
      const { lost, skipped, missingCommits, lastTid } = recover(disk, path, saved)
      t.same({ lost, skipped, missingCommits, lastTid }, { lost: [], skipped: [], missingCommits: [], lastTid: golden.lastTid }) // prettier-ignore
      check(t, disk, saved, golden.round)
    })

    await t.test('can be written and packed', async t => {
      const db = connect(disk, path)
      changeSome(db, 10)
      db.transact(root => void (root.round = 11), { id: idOf(3) }) // has been committed before
      check(t, disk, path, 10)
      await db.pack()
      changeSome(db, 12)
      db.close()
      check(t, disk, path, 12)
      verify(disk, path, ({ message }) => t.fail(message))
    })
  })
}

interface Content<R extends Persistent> {
  readonly connect: (disk: Disk, path: string) => Connection<R>
  readonly changeSome: (db: Connection<R>, round: number) => void
  readonly check: (t: Test, disk: Disk, path: string, round: number) => void
}

function staysAsWritten<R extends Persistent>(name: string, content: Content<R>): void {
  t.test(name, async t => {
    const path = unpackFile(t, { name })
    const isSound = (): void => {
      verify(disk, path, ({ message }) => t.fail(message))
      t.equal(
        verifyCollections(disk, path, ({ message }) => t.fail(message)),
        0,
      )
    }
    isSound()
    content.check(t, disk, path, 0)
    const db = content.connect(disk, path)
    content.changeSome(db, 1)
    content.check(t, disk, path, 1)
    isSound()
    await db.pack()
    content.changeSome(db, 2)
    db.close()
    content.check(t, disk, path, 2)
    isSound()
  })
}

staysAsWritten('v1-values-inside', largeValues)
staysAsWritten('v1-values-apart', largeValues)
staysAsWritten('v1-queues', queues)

t.test('v1-queues: no number is given twice', async t => {
  for (const pack of [false, true]) {
    const db = queues.connect(disk, unpackFile(t, { name: 'v1-queues' }))
    if (pack) await db.pack()
    t.strictSame(queues.nextNumbers(db), queues.NEXT)
    db.close()
  }
})
