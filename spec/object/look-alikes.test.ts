// What is refused because it only looks like something that can be stored is told for what it is.
import { copyFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import {
  open,
  Persistent,
  PersistentList,
  PersistentMap,
  PersistentQueue,
  plain,
  type Connection,
  type Key,
} from '../../lib/index.js'
import { projectRoot } from '../helpers/project-root.js'
import { tempDir } from '../helpers/temp-dir.js'

class Todo extends Persistent {
  static type = 'Todo'
  title = 'see'
}

interface Root {
  it: unknown
  map: PersistentMap<Key, unknown>
}

function opened(t: Test): Connection<Root> {
  const root: Root = { it: undefined, map: new PersistentMap() }
  const db = open(join(tempDir(t), 'app.db'), { root, classes: [Todo] })
  t.teardown(() => db[Symbol.dispose]())
  return db
}

/** As a value in any place, and as a key. */
function refused(t: Test, db: Connection<Root>, value: unknown, message: RegExp, asKey = message): void {
  const title = String(message)
  t.throws(() => void (db.root.it = value), { code: 'VALUE', path: 'root.it', message }, title)
  t.throws(() => db.root.map.set('key', { deep: [value] }), { path: 'PersistentMap.key.deep.0', message }, title)
  t.throws(() => db.root.map.has(value as Key), { code: 'VALUE', message: asKey }, title)
}

t.test('a class whose module was evaluated twice is not called one that is not registered', async t => {
  const db = opened(t)
  const again = class Todo extends Persistent {
    static type = 'Todo'
  }
  db.root.it = new again()
  t.throws(() => db.commit(), { code: 'VALUE', path: 'root.it', message: /static type 'Todo'.*evaluated twice/ })
})

t.test('a copy that no constructor has made is told as that', async t => {
  const db = opened(t)
  for (const [Class, copy] of [
    [Todo, Object.create(Todo.prototype)],
    [Todo, Object.setPrototypeOf({ ...new Todo() }, Todo.prototype)],
    [PersistentMap, Object.create(PersistentMap.prototype)],
  ] as const)
    refused(t, db, copy, new RegExp(`: this is a copy of an object of the class ${Class.name}, .*plain\\(it\\)`))
})

t.test('objects and collections of another copy of the package are told as that', async t => {
  const db = opened(t)
  const folder = tempDir(t)
  copyFileSync(join(projectRoot, 'dist', 'perdure.js'), join(folder, 'perdure.mjs'))
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'))
  const other = (await import(pathToFileURL(join(folder, 'perdure.mjs')).href)) as typeof import('../../lib/index.js')
  class Theirs extends other.Persistent {
    static type = 'Theirs'
  }
  refused(t, db, new Theirs(), /: an object of the class Theirs belongs to another copy of perdure: .*npm ls perdure/)
  const collections = [
    ...[new other.PersistentMap(), new other.PersistentSet(), new other.PersistentList()],
    ...[new other.PersistentQueue(), new other.PersistentCounter()],
  ]
  for (const collection of collections) {
    const { name } = collection.constructor
    refused(t, db, collection, new RegExp(`: an object of the class ${name} belongs to another copy of perdure`))
  }
  t.throws(() => open(join(folder, 'app.db'), { root: { map: collections[0] } }), {
    message: /another copy of perdure/,
  })
})

t.test('what has no class with a name is told without one', async t => {
  const db = opened(t)
  const key = /cannot be a key/
  refused(
    t,
    db,
    new (class {})(),
    /: an instance of a class without a name cannot be stored: let the class extend/,
    key,
  )
  refused(t, db, process.env, /: an object that is no plain one cannot be stored: store \{ \.\.\.it \}$/, key)
  refused(t, db, Object.create({ inherited: 1 }), /: an object that is no plain one cannot be stored/, key)
  ;(function (..._: number[]) {
    // eslint-disable-next-line prefer-rest-params -- these are what it is about
    refused(t, db, arguments, /: the arguments of a function cannot be stored: store \[\.\.\.arguments\]$/, key)
  })(1, 2)
  db.root.it = { ...process.env }
})

class Note extends Persistent {
  static type = 'Note'
  title = 'a'
  self: unknown = this
  files = new PersistentMap<string, string>()
}

t.test('what stands in a copy for an object is not stored in place of that', async t => {
  const path = join(tempDir(t), 'app.db')
  const root = { it: undefined as unknown, map: new PersistentMap<Key, unknown>(), list: new PersistentList<unknown>() }
  const db = open(path, { root, classes: [Note] })
  t.teardown(() => db[Symbol.dispose]())
  const note = new Note()
  const newOne = plain(note).files
  db.transact(root => {
    root.it = { notes: [note] }
    root.map.set('note', note)
  })
  const { oid } = plain(note).files
  const message = new RegExp(`stands for PersistentMap ${oid}, and is no copy of it: store the object itself, or a new`)
  const copies = (from: Connection<Persistent & typeof root>): unknown[] => [
    plain(from.root.map.get('note') as Note).files,
    (plain(from.root.it) as { notes: unknown[] }).notes[0],
    [...from.root.map.values({ plain: true })].map(copy => (copy as { files: unknown }).files)[0],
  ]
  const other = open(path, { root, classes: [Note], readonly: true })
  // Of other connections nothing is loaded: such copies are made from records.
  const [files, ofNote, scanned] = copies(other)
  other.close()
  refused(t, db, files, message, /cannot be a key/)
  refused(t, db, (plain([{ files }]) as [{ files: unknown }])[0].files, message, /cannot be a key/) // of a copy of a copy
  refused(t, db, scanned, message, /cannot be a key/)
  refused(t, db, ofNote, /stands for Note \d+,/, /cannot be a key/)
  for (const copy of copies(db)) t.throws(() => void (db.root.it = copy), { message: /and is no copy of it/ })
  t.throws(() => void (db.root.it = newOne), { message: /stands for a new PersistentMap,/ })

  const { list } = db.root
  const ways: readonly [string, () => unknown][] = [
    ['Note.files', () => Object.assign(new Note(), { files })],
    ['root.it.notes.1', () => (db.root.it as { notes: unknown[] }).notes.push(files)],
    ['PersistentList.0', () => list.push(files)],
    ['PersistentList.0', () => list.insert(0, files)],
    ['PersistentList.0', () => new PersistentList([files])],
    ['PersistentQueue.item', () => new PersistentQueue([files])],
    ['PersistentQueue.item.deep', () => new PersistentQueue().push({ deep: files })],
    ['PersistentMap.a', () => new PersistentMap([['a', files]])],
    ['PersistentMap.a', () => new PersistentMap().bulkLoad([['a', files]])],
    ['root.files', () => open(join(tempDir(t), 'new.db'), { root: { files: files as object } })],
  ]
  for (const [path, way] of ways) t.throws(way, { code: 'VALUE', path, message }, String(way))

  const said = { type: 'PersistentMap', oid }
  t.strictSame(files, said, 'it looks as any other')
  t.strictSame(structuredClone(files), said)
  db.transact(root => {
    root.it = { ...(files as object) }
    root.map.set('said', { ...(files as object) })
  })
  t.strictSame(plain(db.root.it), said, 'what the program makes of its parts is a value')
  t.strictSame(plain(db.root.map.get('said')), said)
})
