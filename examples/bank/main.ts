// A bank with two processes that transfer money between the same two accounts: node dist/examples/bank/main.js [bank.db]
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Account, openBank } from './model.js'

const [path = 'bank.db'] = process.argv.slice(2)
const db = openBank(path)
db.transact(function openAccounts(bank) {
  for (const owner of ['ada', 'bob']) {
    if (bank.accounts.has(owner)) continue
    const account = new Account()
    account.owner = owner
    account.book(100)
    bank.accounts.set(owner, account)
  }
})

const teller = fileURLToPath(new URL('./teller.js', import.meta.url))
const tellers = [1, 2].map(() => spawn(process.execPath, [teller, path], { stdio: 'inherit' }))
await Promise.all(tellers.map(each => once(each, 'exit')))

for (const { owner, balance, history } of db.root.accounts.values()) {
  console.log(`${owner}: ${balance} after ${history.length} bookings`)
}
console.log(`in all ${db.root.total()}`)
db.close()
