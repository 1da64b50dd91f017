import t from 'tap'
import type { Connection, Persistent } from '../../lib/index.js'
import { open, Persistent as Base } from '../../lib/index.js'

// This file is a test by compiling. The functions are never called.
class Account extends Base {
  static type = 'Account'
  balance = 0
}
class LookAlike {
  balance = 0
}

export function inferred(): void {
  const typed: Connection<Account> = open('x.db', { root: Account })
  const balance: number = typed.root.balance
  const plain = open('x.db', { root: { todos: [] as { title: string; done: boolean }[] } })
  const length: number = plain.transact(r => r.todos.push({ title: 'x', done: false }))
  const openEnded = open('x.db')
  const anything: unknown = openEnded.root.anything
  const nothing: undefined = typed.transact(() => undefined)
  const nested: { deep: number[] } = typed.transact(r => ({ deep: [r.balance] }))
  const later: Promise<number> = typed.transactAsync(r => r.balance)
  void [balance, length, anything, nothing, nested, later]
}

export function refused(): void {
  const db = open('x.db', { root: Account })
  // @ts-expect-error an async function
  void db.transact(async r => r.balance)
  // @ts-expect-error a function that returns a promise
  void db.transact(() => Promise.resolve(1))
  // @ts-expect-error an async function that returns nothing
  void db.transact(async () => {})
  // @ts-expect-error the same for transactAsync
  void db.transactAsync(async r => r.balance)
  // @ts-expect-error not derived from Persistent
  open('x.db', { classes: [LookAlike] })
  // @ts-expect-error a look-alike of an object
  const account: Persistent = { balance: 0 }
  // @ts-expect-error no such field
  void db.root.other
  void account
}

t.pass('it compiles')
