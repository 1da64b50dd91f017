// What is refused because it only looks like something that can be stored is told for what it is.
import { copyFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { open, Persistent, PersistentMap, type Connection, type Key } from '../../lib/index.js'
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
