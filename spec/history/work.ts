// The random transactions. Each is a list of small steps, so that a transaction by hand can wait between any two of them.
import assert from 'node:assert/strict'
import type { Random } from '../helpers/seeded.js'
import { sizes, TOTAL, type View } from './bank.js'

export interface Work {
  readonly what: string
  readonly steps: readonly ((view: View) => void)[]
}

/** A transaction that changes something. */
export function change(r: Random): Work {
  return r.pick([transfer, transfer, append, signOff, signOff, note, fill, move, several])(r)
}

/** A transaction that only reads. */
export function audit(r: Random): Work {
  return r.pick([balances, several, everything])(r, true)
}

/** Money changes hands; the total stays. */
function transfer(r: Random): Work {
  const [from = 0, to = 0] = r.shuffle(Array.from({ length: sizes.accounts }, (_, n) => n))
  let amount = 0
  const take = (view: View): void => {
    const balance = view.balance(from)
    amount = Math.min(balance, 1 + r.int(20))
    view.setBalance(from, balance - amount)
  }
  return { what: 'transfer', steps: [take, view => view.setBalance(to, view.balance(to) + amount)] }
}

function append(r: Random): Work {
  const [one, other] = [r.int(sizes.lists), r.int(sizes.lists)]
  return { what: 'append', steps: [view => view.append(one), view => void view.list(other)] }
}

/** Write skew, if it were let through: whoever sees both on call goes, else both come. */
function signOff(r: Random): Work {
  const pair = 2 * r.int(sizes.pairs)
  const [me, other] = r.shuffle([pair, pair + 1]) as [number, number]
  let both = false
  return {
    what: 'sign off',
    steps: [
      view => void (both = view.onCall(me)),
      view => void (both = view.onCall(other) && both),
      view => {
        view.setOnCall(me, !both)
        if (!both && r.chance(0.5)) view.setOnCall(other, true)
      },
    ],
  }
}

function note(r: Random): Work {
  const name = `note ${r.int(8)}`
  return { what: 'note', steps: [view => void view.notes(), view => view.setNote(name, r.chance(0.6))] }
}

/** Without a look first. */
function fill(r: Random): Work {
  const [n, other] = [r.int(sizes.slots), r.int(sizes.slots)]
  const steps: Work['steps'] = [
    view => view.fill(n),
    view => (r.chance(0.2) ? view.empty(other) : void view.slot(other)),
  ]
  return { what: 'fill', steps }
}

function move(r: Random): Work {
  const [from, to] = r.shuffle(Array.from({ length: sizes.slots }, (_, n) => n)) as [number, number]
  return { what: 'move', steps: [view => void view.slot(to), view => view.move(from, to), view => void view.slot(to)] }
}

/** Two or three of the others as one. */
function several(r: Random, onlyReads = false): Work {
  if (!onlyReads) {
    const parts = Array.from({ length: 2 + r.int(2) }, () => r.pick([transfer, append, signOff, note, fill])(r))
    return { what: parts.map(({ what }) => what).join(' and '), steps: parts.flatMap(({ steps }) => steps) }
  }
  const look = (): ((view: View) => void) =>
    r.pick([
      (view: View) => void view.slot(r.int(sizes.slots)),
      (view: View) => void view.list(r.int(sizes.lists)),
      (view: View) => void view.balance(r.int(sizes.accounts)),
      (view: View) => void view.onCall(r.int(2 * sizes.pairs)),
      (view: View) => void view.notes(),
    ])
  return { what: 'looks', steps: Array.from({ length: 2 + r.int(8) }, look) }
}

function balances(r: Random): Work {
  let total = 0
  const order = r.shuffle(Array.from({ length: sizes.accounts }, (_, n) => n))
  return {
    what: 'balances',
    steps: [
      () => void (total = 0),
      ...order.map(n => (view: View) => void (total += view.balance(n))),
      () => assert.equal(total, TOTAL, 'no money is made or lost'),
    ],
  }
}

function everything(): Work {
  const steps = [(view: View) => void view.everything(), (view: View) => void view.everything()]
  return { what: 'everything twice', steps }
}
