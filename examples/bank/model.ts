// The classes that both programs of this example share.
import { open, Persistent, PersistentMap, type Connection } from 'perdure'

export class Account extends Persistent {
  static type = 'Account'
  owner = ''
  balance = 0
  history: { at: Date; amount: number }[] = []

  book(amount: number): void {
    if (this.balance + amount < 0) throw new RangeError(`${this.owner} has only ${this.balance}`)
    this.balance += amount
    this.history.push({ at: new Date(), amount })
  }
}

export class Bank extends Persistent {
  static type = 'Bank'
  accounts = new PersistentMap<string, Account>()

  account(owner: string): Account {
    const found = this.accounts.get(owner)
    if (!found) throw new RangeError(`${owner} has no account`)
    return found
  }

  total(): number {
    let total = 0
    for (const { balance } of this.accounts.values()) total += balance
    return total
  }
}

export function openBank(path: string): Connection<Bank> {
  return open(path, { root: Bank, classes: [Account] })
}
