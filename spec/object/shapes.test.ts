// Shapes: the names of fields are stored once for all objects that have the same, and stay in the file; so there must not be ever more.
import t, { type Test } from 'tap'
import { join } from 'node:path'
import { systemDisk } from '../../lib/file/system-disk.js'
import { open, Persistent, plain } from '../../lib/index.js'
import { Store } from '../../lib/store/store.js'
import { tempDir } from '../helpers/temp-dir.js'
import { elsewhere } from './helpers/elsewhere.js'

class Sessions extends Persistent {
  [id: `session-${number}`]: number
  static type = 'Sessions'
}
class NewSessions extends Persistent {
  [id: `session-${number}`]: number
  static type = 'Sessions'
  static version = 2
}
class Other extends Persistent {
  static type = 'Other'
  n = 1
}
class Root extends Persistent {
  static type = 'Root'
  sessions: Sessions | null = null
  all: Persistent[] = []
}

const options = { root: Root, classes: [Sessions, Other], durability: 'os' } as const
/** Of one version of a class. */
const MOST = 128

function shapesIn(path: string): number {
  const store = Store.open(systemDisk, path, { readonly: true })
  const { length } = store.latest().generation.shapes
  store.close()
  return length
}

const pathFor = (t: Test): string => join(tempDir(t), 'shapes.db')

t.test('an object whose fields have ever other names leaves a limited number of shapes', async t => {
  const path = pathFor(t)
  const db = open(path, options)
  const rival = elsewhere<Root>(path, options)
  const sessions = new Sessions()
  db.root.sessions = sessions
  for (let n = 0; n < 3 * MOST; n++) {
    sessions[`session-${n}`] = n
    Reflect.deleteProperty(sessions, `session-${n - 3}`)
    db.commit()
  }
  const others = shapesIn(path) - MOST
  t.ok(others <= 4, `${others} besides`)
  const last = [3, 2, 1].map(n => [`session-${3 * MOST - n}`, 3 * MOST - n] as const)
  t.same(Object.entries(rival.root.sessions ?? {}), last)
  const theirs = rival.root.sessions as Sessions
  theirs[`session-1`] = 1
  rival.commit()
  db.root.all.push(new Other())
  db.commit()
  t.same(Object.entries(sessions), [...last, ['session-1', 1]])
  const before = shapesIn(path)
  t.ok(before <= MOST + 5, 'another class has its own')
  await db.pack()
  db.refresh()
  t.same(Object.entries(sessions), [...last, ['session-1', 1]])
  db.close()
  rival.refresh()
  t.same(plain(rival.root.sessions), Object.fromEntries([...last, ['session-1', 1]]))
  rival.close()
})

t.test('so do many such objects in one commit', t => {
  const path = pathFor(t)
  const db = open(path, options)
  db.transact(({ all }) => {
    for (let n = 0; n < 3 * MOST; n++) all.push(Object.assign(new Sessions(), { [`session-${n}`]: n }), new Other())
  })
  db.close()
  const other = open(path, options)
  t.same(
    other.root.all.map(each => plain(each)),
    Array.from({ length: 3 * MOST }, (_, n) => [{ [`session-${n}`]: n }, { n: 1 }]).flat(),
  )
  other.close()
  t.equal(shapesIn(path), 1 + MOST + 2, 'the last one has no names')
  t.end()
})

t.test('each version of a class has as many', t => {
  const path = pathFor(t)
  const fill = (Class: typeof Sessions | typeof NewSessions): number => {
    const before = shapesIn(path)
    const db = open(path, { root: Root, classes: [Class, Other], durability: 'os' })
    db.transact(({ all }) => {
      all.length = 0
      for (let n = 0; n < 2 * MOST; n++) all.push(Object.assign(new Class(), { [`session-${n}`]: n }))
    })
    db.close()
    return shapesIn(path) - before
  }
  open(path, options).close()
  t.equal(fill(Sessions), MOST + 1)
  t.equal(fill(Sessions), 0)
  t.equal(fill(NewSessions), MOST + 1)
  t.end()
})

t.test(
  'what nobody has read of an object is there still when a commit has given it another version, with its names',
  t => {
    const path = pathFor(t)
    const old = open(path, options)
    old.transact(({ all }) => all.push(Object.assign(new Sessions(), { 'session-1': 1, 'session-2': 'two' })))
    old.close()
    const db = open(path, { root: Root, classes: [NewSessions, Other], durability: 'os' })
    db.transact(({ all }) => {
      for (let n = 0; n < MOST; n++) all.push(Object.assign(new NewSessions(), { [`session-${n}`]: n }))
    })
    const first = (): Record<string, unknown> => db.root.all[0] as never
    for (const n of [3, 4]) db.transact(() => (first()['session-1'] = n))
    t.equal(first()['session-2'], 'two')
    db.transact(() => (first()['session-1'] = 5))
    db.close()
    const again = open(path, { root: Root, classes: [NewSessions, Other], readonly: true })
    t.same(plain(again.root.all[0]), { 'session-1': 5, 'session-2': 'two' })
    again.close()
    t.end()
  },
)
