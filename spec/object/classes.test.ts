import t from 'tap'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  isUnknown,
  oidOf,
  open,
  Persistent,
  PersistentMap,
  plain,
  typeOf,
  type PersistentClass,
} from '../../lib/index.js'
import { tempDir } from '../helpers/temp-dir.js'

class Root extends Persistent {
  static type = 'Root'
  task: Persistent | null = null
}
class Friend extends Persistent {
  static type = 'Friend'
  name = 'bob'
}

/** A store with one task, as the first version of the class wrote it. */
function stored(t: Parameters<typeof tempDir>[0]): string {
  class Task extends Persistent {
    static type = 'Task'
    title = 'buy milk'
    done = 0
    friend = new Friend()
  }
  const path = join(tempDir(t), 'classes.db')
  const db = open(path, { root: Root, classes: [Task, Friend], durability: 'os' })
  db.transact(root => (root.task = new Task()))
  db.close()
  return path
}

function withTask<T extends Persistent>(
  path: string,
  Task: PersistentClass<T>,
  look: (task: T, commit: () => void) => void,
): void {
  const db = open(path, { root: Root, classes: [Task, Friend], durability: 'os' })
  look(db.root.task as T, () => db.commit())
  db.abort()
  db.close()
}

t.test('defaults fill what an old record lacks, and write nothing', async t => {
  const path = stored(t)
  class Task extends Persistent {
    static type = 'Task'
    static defaults = { tags: ['none'], title: 'never used' }
    title = ''
    tags: string[] = []
  }
  withTask(path, Task, (task, commit) => {
    t.equal(task.title, 'buy milk')
    t.same(task.tags, ['none'])
    t.equal(task instanceof Task, true)
    commit()
    task.tags.push('more')
    commit()
  })
  withTask(path, Task, task => {
    t.same(task.tags, ['none', 'more'])
    t.same(Task.defaults.tags, ['none'], 'copied in')
  })
})

t.test('upgrade edits the plain state of an older version when it loads', async t => {
  const path = stored(t)
  class Task extends Persistent {
    static type = 'Task'
    static version = 2
    static defaults = { priority: 1 }
    static upgrade(state: Record<string, unknown>, from: number): void {
      if (from < 2) {
        state.state = state.done === 0 ? 'open' : 'done'
        state.log = [{ from }]
        delete state.done
      }
    }
    state = ''
    log: { from: number }[] = []
    priority = 0
    friend: Friend | null = null
  }
  withTask(path, Task, (task, commit) => {
    t.same(task.log, [{ from: 1 }])
    t.equal(task.state, 'open')
    t.equal(task.priority, 1)
    t.equal(task.friend?.name, 'bob')
    t.notOk('done' in task)
    task.log.push({ from: 9 })
    commit()
  })
  withTask(path, Task, task => {
    t.same(task.log, [{ from: 1 }, { from: 9 }])
  })
})

t.test('upgrade may neither make nor touch persistent objects', async t => {
  const path = stored(t)
  class Makes extends Persistent {
    static type = 'Task'
    static version = 2
    static upgrade(state: Record<string, unknown>): void {
      state.friend = new Friend()
    }
  }
  class Touches extends Persistent {
    static type = 'Task'
    static version = 2
    static upgrade(state: Record<string, unknown>): void {
      state.name = (state.friend as Friend).name
    }
  }
  for (const Task of [Makes, Touches]) {
    withTask(path, Task, task => {
      const message = `static upgrade of Task ${oidOf(task)} may only edit the plain state that it is given, not make or touch persistent objects: what does that, as splitting a class, belongs in a transaction`
      t.throws(() => Object.keys(task), { code: 'SCHEMA', message })
    })
  }
})

t.test('upgrade may not return a promise, as nobody would wait for what it still does', async t => {
  const path = stored(t)
  let waits = Promise.resolve()
  class Task extends Persistent {
    static type = 'Task'
    static version = 2
    static defaults = { priority: 1 }
    static async upgrade(state: Record<string, unknown>): Promise<void> {
      await waits
      delete state.done
    }
  }
  for (waits of [Promise.resolve(), Promise.reject(new Error('of nobody'))]) {
    withTask(path, Task as PersistentClass, task => {
      t.throws(() => Object.keys(task), { name: 'TypeError', message: /static upgrade of Task \d+ returned a promise/ })
      t.throws(() => plain(task), { name: 'TypeError' })
      t.throws(() => Object.assign(task, { title: 'x' }), { name: 'TypeError' }, 'nor can it be changed')
    })
  }
})

t.test('upgrade may not return a state, which would be dropped: it edits the one that it is given', async t => {
  const path = stored(t)
  let given: unknown
  class Task extends Persistent {
    static type = 'Task'
    static version = 2
    static upgrade(): unknown {
      return given
    }
  }
  for (given of [{ title: 'new' }, 'new', 0, null, () => given]) {
    withTask(path, Task as PersistentClass, task => {
      t.throws(() => Object.keys(task), {
        name: 'TypeError',
        message: /static upgrade of Task \d+ returned something.*edits the state/,
      })
      t.throws(() => Object.assign(task, { title: 'x' }), { name: 'TypeError' }, 'nor can it be changed')
    })
  }
  given = undefined
  withTask(path, Task as PersistentClass, task => {
    t.match(plain(task), { title: 'buy milk', done: 0 })
  })
})

t.test('no field gets a name that none can have, whoever gives it', async t => {
  const path = stored(t)
  const odd = (value: unknown): object =>
    JSON.parse(JSON.stringify({ proto: value }).replace('proto', '__proto__')) as object
  class Upgrades extends Persistent {
    static type = 'Task'
    static version = 2
    static upgrade(state: object): void {
      Object.defineProperty(state, '__proto__', { value: 1, writable: true, enumerable: true, configurable: true })
    }
  }
  class Adds extends Persistent {
    static type = 'Task'
    static version = 2
    static upgrade(state: Record<string, unknown>): void {
      state.added = 1
    }
    added(): void {
      // hides what is added
    }
  }
  class Lacks extends Persistent {
    static type = 'Task'
    static defaults = odd({ a: 1 })
  }
  class Names extends Persistent {
    static type = 'Task'
    static defaults = { named: 1 }
    get named(): number {
      return 2
    }
  }
  const refused: [PersistentClass, string][] = [
    [Upgrades, '__proto__'],
    [Adds, 'added'],
  ]
  for (const [Task, field] of refused) {
    withTask(path, Task, task => {
      const error = { code: 'VALUE', path: `Task ${oidOf(task)}.${field}`, message: /static upgrade gives/ }
      t.throws(() => Object.keys(task), error)
      t.throws(() => plain(task), error)
    })
  }
  for (const [Task, place] of [
    [Lacks, 'Lacks.defaults.__proto__'],
    [Names, 'Names.defaults.named'],
  ] as const) {
    t.throws(() => open(path, { classes: [Task] }), { code: 'VALUE', path: place, message: /static defaults gives/ })
  }
  const plainRoot = join(tempDir(t), 'plain.db')
  const root = Object.assign(odd(1), { a: 1 })
  t.throws(() => open(plainRoot, { root }), { code: 'VALUE', path: 'root.__proto__' })
  open(plainRoot, { root: {} }).close()
  t.throws(() => open(plainRoot, { root }), { code: 'VALUE', path: 'root.__proto__', message: /open\(\) gives/ })
})

t.test('a record newer than the class can be read and not changed', async t => {
  const path = stored(t)
  class Newer extends Persistent {
    static type = 'Task'
    static version = 3
    title = ''
  }
  withTask(path, Newer, (task, commit) => {
    task.title = 'newer'
    commit()
  })
  class Older extends Persistent {
    static type = 'Task'
    title = ''
  }
  withTask(path, Older, task => {
    t.equal(task.title, 'newer')
    t.throws(() => (task.title = 'x'), { code: 'SCHEMA', message: /version 3.*Update the program/ })
  })
})

t.test('nor does it get defaults for what the newer version has left out, however one looks at it', t => {
  class Newer extends Persistent {
    static type = 'Task'
    static version = 2
    title = 'newer'
  }
  class Older extends Persistent {
    static type = 'Task'
    static defaults = { tags: ['none'] }
    declare tags: string[] | undefined
    title = ''
  }
  const path = join(tempDir(t), 'newer.db')
  const map = new PersistentMap<string, Persistent>([['task', new Newer()]])
  open(path, { root: { map }, classes: [Newer] }).close()
  const db = open(path, { root: { map }, classes: [Older], durability: 'os' })
  t.match(inspect(db.root.map.get('task')), /^Task.*\{ title: 'newer' \}$/)
  t.strictSame([...db.root.map.values({ plain: true })], [{ title: 'newer' }])
  const task = db.root.map.get('task') as Older
  t.equal(task.tags, undefined)
  t.strictSame(plain(task), { title: 'newer' })
  db.transact(root => root.map.delete('task'))
  db.transact(root => root.map.set('again', task))
  t.strictSame(plain(task), { title: 'newer' })
  db.close()
  t.end()
})

t.test('the first record of a class that is newer than the program warns, of each class and store once', async t => {
  const path = stored(t)
  class Newer extends Persistent {
    static type = 'Task'
    static version = 3
    title = ''
  }
  withTask(path, Newer, (task, commit) => {
    const friend = new Newer()
    Object.assign(task, { title: 'newer', friend })
    commit()
  })
  class Older extends Persistent {
    static type = 'Task'
    title = ''
    friend: Older | null = null
  }
  const warnings: string[] = []
  const listen = (given: Error & { code?: string }): void => {
    if (given.code === 'PERDURE_NEWER_RECORD') warnings.push(given.message)
  }
  process.on('warning', listen)
  t.teardown(() => process.off('warning', listen))
  const given = async (): Promise<string[]> => {
    await new Promise(setImmediate) // warnings come in the next turn
    return warnings.splice(0)
  }
  await given() // of the test before
  withTask(path, Older, task => {
    t.equal(task.title, 'newer')
    t.equal(task.friend?.title, '')
  })
  const [first, ...more] = await given()
  t.match(
    first,
    /Version 3 of the class Task .* version 1 .*Update the program.*read such objects, and not change them/,
  )
  t.same(more, [])
  withTask(path, Older, task => {
    t.match(plain(task), { title: 'newer' })
  })
  t.equal((await given()).length, 1, 'another connection')
  const db = open(path, { root: Root, classes: [Older] })
  t.match(plain(db.root, { depth: 1 }), { task: { title: 'newer' } })
  t.equal((await given()).length, 1, 'a copy straight from the record')
  const other = db.connect()
  t.equal((other.root.task as Older).title, 'newer')
  other.close()
  db.close()
  t.same(await given(), [])
  withTask(path, Newer, task => t.equal(task.title, 'newer'))
  const unknown = open(path, { root: Root, classes: [Friend] })
  t.match(plain(unknown.root.task), { title: 'newer' })
  unknown.close()
  t.same(await given(), [], 'those who know the version, or not the class')
})

t.test('a stored key that a method or accessor of the class hides is an error that says so', async t => {
  const path = stored(t)
  class Task extends Persistent {
    static type = 'Task'
    done(): boolean {
      return true
    }
  }
  withTask(path, Task, task => {
    t.throws(() => task.done(), { code: 'SCHEMA', message: /"done"/ })
  })
})

t.test('an unknown class loads as an inert placeholder, and goes back unchanged', async t => {
  const path = stored(t)
  class Box extends Persistent {
    static type = 'Box'
    kept: Persistent | null = null
  }
  const db = open(path, { root: Root, classes: [Box] })
  const { task } = db.root
  t.ok(task)
  t.equal(isUnknown(task as Persistent), true)
  t.equal(typeOf(task as Persistent), 'Task')
  t.match(plain(task), { title: 'buy milk', done: 0 })
  t.throws(() => ((task as unknown as { title: string }).title = 'x'), { code: 'SCHEMA', message: /not registered/ })
  db.transact(root => {
    const box = new Box()
    box.kept = root.task
    root.task = box
  })
  await db.pack()
  db.refresh()
  t.match(plain((db.root.task as Box).kept), { title: 'buy milk', done: 0 })
  db.close()
})

const odd = (type: string): PersistentClass => {
  class Odd extends Persistent {
    static type = type
  }
  return Odd
}

t.test('open refuses classes that could not be loaded again', async t => {
  const path = join(tempDir(t), 'classes.db')
  const refuse = (Class: unknown, message: RegExp): void => {
    t.throws(() => open(path, { classes: [Class as typeof Root] }), { name: 'TypeError', message })
  }
  class Untyped extends Persistent {}
  class Derived extends Root {}
  class Twin extends Persistent {
    static type = 'Root'
  }
  refuse(Untyped, /no type of its own/)
  for (const type of ['a\ud800', '\udc00', '\ufeffa']) refuse(odd(type), /would not come back as it is/)
  refuse(Derived, /no type of its own/)
  refuse(class {}, /does not extend Persistent/)
  refuse({}, /is not a class/)
  refuse(Persistent, /derive one of your own/)
  t.throws(() => open(path, { classes: [Root, Twin] }), { name: 'TypeError', message: /both have static type/ })
  const defaulted = (defaults: unknown): unknown => Object.assign(odd('Odd'), { defaults })
  for (const defaults of [() => ({ a: 1 }), [1], 'a', new Map(), new Date(), new (class {})(), new Root()])
    refuse(defaulted(defaults), /defaults must be a plain object/)
  refuse(defaulted(null), /defaults must be a plain object/)
  for (const version of ['2', -1, 1.5, null]) refuse(Object.assign(odd('Odd'), { version }), /Odd.version must be/)
  refuse(Object.assign(odd('Odd'), { version: '2' }), /a whole number, not '2'/)
  for (const upgrade of [{}, null, 'a'])
    refuse(Object.assign(odd('Odd'), { upgrade }), /Odd.upgrade must be a function/)
  refuse(Object.assign(odd('Odd'), { merge: 5 }), /Odd.merge must be a function, not 5/)
  // fields that were to be transient would be stored
  for (const transient of [new Set(['password']), 'password', { password: true }, [5], null]) {
    refuse(Object.assign(odd('Odd'), { transient }), /Odd.transient must be an array of the names of fields/)
    class Below extends Object.assign(odd('Odd'), { transient }) {
      static override type = 'Below'
    }
    refuse(Below, /Odd.transient must be an array/)
  }
  class Copy {}
  Object.defineProperty(Copy, Symbol.for('perdure.Persistent'), { value: true })
  refuse(class Foreign extends Copy {}, /another copy/)
})

t.test('open refuses a root of another kind than the stored one', async t => {
  const path = stored(t)
  t.throws(() => open(path, { root: Friend }), { code: 'SCHEMA', message: /'Root'.*'Friend'/ })
  const advice = /Open it with the class that has the static type 'Root', or without a root/
  t.throws(() => open(path, { root: Friend }), { code: 'SCHEMA', message: advice })
  t.throws(() => open(path, { root: { a: 1 } }), { code: 'SCHEMA', message: /'Root'.*plain object/ })
  const db = open(path)
  t.equal(isUnknown(db.root), true)
  db.close()
})

t.test('a plain root where a class was expected: it can stay, and the error says so', async t => {
  const path = join(tempDir(t), 'classes.db')
  open(path, { root: { a: 1 } }).close()
  t.throws(() => open(path, { root: Root }), {
    code: 'SCHEMA',
    message: /open it with a plain object as its root, and keep an object of the class 'Root' in a field/,
  })
  const db = open(path, { root: { a: 0, it: null as Root | null }, classes: [Root] })
  db.transact(root => (root.it = new Root()))
  t.match(plain(db.root, { depth: 1 }), { a: 1, it: { task: null } })
  db.close()
})

t.test('a function in a field: only a method is there again after loading', async t => {
  class Counts extends Persistent {
    static type = 'Counts'
    inc = (): number => 1
  }
  t.throws(() => open(join(tempDir(t), 'classes.db'), { root: Counts }), {
    code: 'VALUE',
    path: 'Counts.inc',
    message: /: a function cannot be stored: make it a method$/,
  })
})

t.test('initial values of a plain root fill what the stored one lacks', async t => {
  const path = join(tempDir(t), 'classes.db')
  const first = open(path, { root: { todos: ['a'] } })
  first.close()
  const db = open(path, { root: { todos: [] as string[], done: ['x'] } })
  t.same(db.root.todos, ['a'])
  t.same(db.root.done, ['x'])
  t.equal(db.changed, false)
  t.equal(oidOf(db.root), 1)
  db.close()
})

t.test('a constructor may take parameters: loading does not call it', async t => {
  class Invoice extends Persistent {
    static type = 'Invoice'
    customer: Friend
    amount: number
    constructor(customer: Friend, amount: number) {
      super()
      this.customer = customer
      this.amount = amount * 2
    }
  }
  const path = join(tempDir(t), 'classes.db')
  const first = open(path, { root: Root, classes: [Invoice, Friend] })
  first.transact(root => (root.task = new Invoice(new Friend(), 21)))
  first.close()
  withTask(path, Invoice, invoice => {
    t.equal(invoice.amount, 42)
    t.equal(invoice.customer.name, 'bob')
    t.ok(invoice instanceof Invoice)
  })
})

t.test('class fields survive under both field semantics', async t => {
  class Assigned extends Persistent {
    static type = 'Assigned'
    declare n: number
    constructor() {
      super()
      this.n = 1
      Object.defineProperty(this, 'defined', { value: [1], writable: true, enumerable: true, configurable: true })
    }
  }
  const db = open(join(tempDir(t), 'classes.db'), { root: Assigned })
  t.same(plain(db.root), { n: 1, defined: [1] })
  db.close()
})
